"""What inspect tells of modules, and names that libraries import beside layers and operations."""
import inspect
import subprocess
import sys
import threading

import pytest
from like_torch import assert_same, outcome, torch, wengert


def kinds(t):
    class Own(t.nn.Linear):
        def __call__(self, x, y=3):
            return x

    class Two(t.nn.Module):
        def __init__(self, a, b=2):
            super().__init__()

        def forward(self, x):
            return x

    return {"instance": t.nn.Linear(2, 2), "own call": Own(2, 2), "class": Two, "instance of it": Two(1), "sequence": t.nn.Sequential()}


@pytest.mark.parametrize("name", ["instance", "own call", "class", "instance of it", "sequence"])
def test_signatures(name):
    assert_same(lambda t: str(inspect.signature(kinds(t)[name])))
    assert not hasattr(wengert.nn.Linear, "__signature__") and callable(kinds(wengert)[name])


def test_futures():
    def program(t):
        assert issubclass(t.futures.Future, t.Future)
        seen = []
        first, second = t.futures.Future(), t.futures.Future[int]()
        first.add_done_callback(lambda f: seen.append(f.value()))
        after = first.then(lambda f: f.wait() + 1)
        both = t.futures.collect_all([after, second])
        done = [first.done(), both.done()]
        thread = threading.Thread(target=lambda: (first.set_result(3), second.set_result(5)))
        thread.start()
        done.append(t.futures.wait_all([after, second]))
        thread.join()
        first.add_done_callback(lambda f: seen.append("late"))
        return [done, seen, both.done(), [f.value() for f in both.wait()], t.futures.collect_all([]).wait()]

    assert_same(program)


@pytest.mark.parametrize("what", [
    lambda t: t.futures.Future().value(), lambda t: t.futures.Future().set_exception(3), lambda t: raising(t).wait(), lambda t: t.futures.wait_all([raising(t)]),
    lambda t: raising(t).then(lambda f: f.value()).wait()])
def test_futures_that_fail(what):
    ours, theirs = outcome(what, wengert), outcome(what, torch)
    assert ours[0][0] == theirs[0][0] == "raised"
    with pytest.raises(RuntimeError, match="once"):
        future = wengert.futures.Future()
        future.set_result(1)
        future.set_result(2)


def raising(t):
    future = t.futures.Future()
    future.set_exception(ValueError("no"))
    return future


def test_scatter_and_gather():
    from wengert.nn.parallel.scatter_gather import gather, scatter, scatter_kwargs
    x = wengert.arange(6.0).view(3, 2)
    a, b = scatter((x, {"y": [x, "s"]}, None), ["cpu", "cpu"])
    assert a[0].tolist() == x[:2].tolist() and b[0].tolist() == x[2:].tolist() and b[1]["y"][0].tolist() == x[2:].tolist() and b[1]["y"][1] == "s"
    together = gather([(a[0], {"k": a[0]}), (b[0], {"k": b[0]})], "cpu")
    assert together[0].tolist() == x.tolist() and together[1]["k"].tolist() == x.tolist()
    assert scatter_kwargs((), {"x": x}, ["cpu", "cpu"])[0] == ((), ())
    with pytest.raises(RuntimeError):
        scatter(x, ["cuda:0"])


def test_graphs_of_programs_are_explained():
    from wengert import fx

    @fx.wrap
    def f(x):
        return x
    assert f(3) == 3 and fx.wrap("f") == "f" and not isinstance(f, fx.Proxy)
    for make in (lambda: fx.symbolic_trace(f), lambda: fx.Graph(), lambda: fx.GraphModule(f, None)):
        with pytest.raises(NotImplementedError, match="modules run as Python"):
            make()


def test_the_compiled_core():
    for t in (wengert, torch):
        assert t._C._log_api_usage_once("a.b") is None and not t._C._get_tracing_state()
        assert issubclass(t._C._LinAlgError, RuntimeError) and isinstance(t.Generator(), t._C.Generator)


def test_names_of_the_hub(monkeypatch, tmp_path):
    def program(t):
        found = t.hub.HASH_REGEX.search("resnet18-bfd8deac.pth").group(1), t.hub.urlparse("http://a/b").path
        before = t.hub.get_dir()
        t.hub.set_dir(str(tmp_path))
        after = t.hub.get_dir()
        t.hub._hub_dir = t.hub._dir = None
        return [found, before, after]

    assert_same(program)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert_same(program)


def test_names_of_jit():
    import typing

    import wengert.jit.annotations
    assert wengert.jit.annotations.List is typing.List
    future = wengert.jit.fork(max, 1, 2)
    assert isinstance(future, wengert.futures.Future) and future.wait() == wengert.jit.wait(future) == 2


def test_exchanges_between_processes_can_be_imported():
    from wengert.distributed import nn
    assert wengert.distributed.nn is nn
    with pytest.raises(ValueError, match="process group has not been initialized"):
        nn.all_reduce(wengert.ones(1))


def test_names_that_annotations_and_imports_need():
    """Importing a transform works, calling it says what to do; in another process, where the module stays out of other tests' way."""
    code = ("import sys; sys.argv = ['x', '-c']; from wengert.__main__ import serve_torch; serve_torch(); from torch.serialization import MAP_LOCATION; "
            "from torch.fft import fft, ifft, rfft2; import torch; MAP_LOCATION | int\ntry: fft(torch.ones(2))\nexcept NotImplementedError as e: print(e)")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert said.stdout.startswith("wengert has no torch.fft.fft: transform with numpy.fft"), said.stderr


def test_numbers_that_tell_tensors_apart():
    for t in (wengert, torch):
        layer, other = t.nn.Linear(1, 1), t.ones(1)
        assert layer.weight._cdata == layer._parameters["weight"]._cdata != other._cdata and isinstance(other._cdata, int)
