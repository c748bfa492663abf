"""Whether operations are recorded: context managers that are decorators too."""
import functools

from . import _core


class _Decorator:
    """A context manager that, called with a function, wraps each call of it; generators keep the mode between yields."""

    def _fresh(self):
        return type(self)()

    def __call__(self, function):
        if isinstance(function, type):
            raise TypeError(f"{type(self).__name__} decorates functions; decorate the methods of {function.__name__} instead")
        if function.__code__.co_flags & 0x20 if hasattr(function, "__code__") else False:
            @functools.wraps(function)
            def generator(*args, **kwargs):
                gen, value, error = function(*args, **kwargs), None, None
                try:
                    while True:
                        with self._fresh():
                            item = gen.throw(error) if error is not None else gen.send(value)
                        error = None
                        try:
                            value = yield item
                        except BaseException as raised:
                            if isinstance(raised, GeneratorExit):
                                gen.close()
                                raise
                            error = raised
                except StopIteration as stop:
                    return stop.value
            return generator

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with self._fresh():
                return function(*args, **kwargs)
        return wrapped


class no_grad(_Decorator):
    """Nothing inside is recorded."""

    def __new__(cls, function=None):
        return object.__new__(cls) if function is None else object.__new__(cls)(function)

    def __enter__(self):
        stack = self.__dict__.setdefault("_before", [])
        stack.append(_core._set_grad_enabled(False))

    def __exit__(self, *exc):
        _core._set_grad_enabled(self._before.pop())


class enable_grad(no_grad):
    """Recording is on inside, also within `no_grad`."""

    def __enter__(self):
        stack = self.__dict__.setdefault("_before", [])
        stack.append(_core._set_grad_enabled(True))


class set_grad_enabled(_Decorator):
    """Turns recording on or off: at once when called as a function, for a block when used with ``with``."""

    def __init__(self, mode):
        self._mode = bool(mode)
        self._before = [_core._set_grad_enabled(self._mode)]

    def _fresh(self):
        return set_grad_enabled(self._mode)

    def __call__(self, function):
        _core._set_grad_enabled(self._before.pop())        # used as a decorator: the mode holds only inside calls
        return super().__call__(function)

    def __enter__(self):
        if not self._before:
            self._before.append(_core._set_grad_enabled(self._mode))

    def __exit__(self, *exc):
        _core._set_grad_enabled(self._before.pop())


class inference_mode(_Decorator):
    """As `no_grad`, and what is computed inside may never be recorded later.

    Args:
        mode: True, or False to turn it off inside.
    """

    def __new__(cls, mode=True):
        self = object.__new__(cls)
        if isinstance(mode, bool):
            self._mode = mode
            return self
        self._mode = True
        return self(mode)

    def _fresh(self):
        return inference_mode(self._mode)

    def __enter__(self):
        self.__dict__.setdefault("_before", []).append(_core._set_inference_mode(self._mode))

    def __exit__(self, *exc):
        _core._restore_inference_mode(self._before.pop())
