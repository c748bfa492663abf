"""Grad modes as context managers and decorators, nested, after exceptions, in generators, per thread."""
import threading

import pytest

pytestmark = pytest.mark.engine


def test_no_grad(lib):
    x = lib.ones(2, requires_grad=True)
    with lib.no_grad():
        y = x * 2
        assert not y.requires_grad and not lib.is_grad_enabled()
        with lib.enable_grad():
            assert (x * 2).requires_grad
    assert (x * 2).requires_grad and lib.is_grad_enabled()


def test_the_mode_is_restored_after_exceptions(lib):
    for mode in (lib.no_grad, lib.enable_grad, lib.inference_mode):
        with pytest.raises(KeyError):
            with mode():
                raise KeyError
        assert lib.is_grad_enabled() and not lib.is_inference_mode_enabled()


def test_decorators(lib):
    x = lib.ones(2, requires_grad=True)

    @lib.no_grad()
    def off(a):
        """Docstring."""
        return a * 2

    @lib.no_grad
    def also_off(a):
        return a * 2

    @lib.enable_grad()
    def on(a):
        return a * 2

    assert not off(x).requires_grad and not also_off(x).requires_grad and off.__doc__ == "Docstring."
    with lib.no_grad():
        assert on(x).requires_grad
    assert lib.is_grad_enabled()


def test_generators_keep_their_mode_between_yields(lib):
    @lib.no_grad()
    def numbers():
        for _ in range(2):
            yield lib.is_grad_enabled()

    seen = []
    for inside in numbers():
        seen.append((inside, lib.is_grad_enabled()))
    assert seen == [(False, True), (False, True)]


def test_set_grad_enabled(lib):
    x = lib.ones(2, requires_grad=True)
    with lib.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad
    lib.set_grad_enabled(False)
    try:
        assert not (x * 2).requires_grad
    finally:
        lib.set_grad_enabled(True)

    @lib.set_grad_enabled(False)
    def off(a):
        return a * 2

    assert lib.is_grad_enabled() and not off(x).requires_grad


def test_inference_mode(lib):
    x = lib.ones(2, requires_grad=True)
    with lib.inference_mode():
        assert lib.is_inference_mode_enabled() and not lib.is_grad_enabled()
        assert not (x * 2).requires_grad
        with lib.inference_mode(False):
            assert lib.is_grad_enabled()
    assert not lib.is_inference_mode_enabled()


def test_modes_belong_to_threads(lib):
    seen = []
    with lib.no_grad():
        thread = threading.Thread(target=lambda: seen.append(lib.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_one_object_nests():
    """PyTorch forgets what was before the outer block; here each entry remembers its own."""
    import wengert as lib
    mode = lib.no_grad()
    with mode:
        with mode:
            assert not lib.is_grad_enabled()
        assert not lib.is_grad_enabled()
    assert lib.is_grad_enabled()
