"""Whether operations are recorded: context managers that are decorators too."""
import functools

from . import _core
from ._core import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]


def _decorate(mode, function):
    """A function that runs in a fresh mode of the kind of ``mode``; generators keep it between yields."""
    if isinstance(function, type):
        raise TypeError(f"{type(mode).__name__} decorates functions; decorate the methods of {function.__name__} instead")
    if function.__code__.co_flags & 0x20 if hasattr(function, "__code__") else False:
        @functools.wraps(function)
        def generator(*args, **kwargs):
            gen, value, error = function(*args, **kwargs), None, None
            try:
                while True:
                    with mode._fresh():
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
        with mode._fresh():
            return function(*args, **kwargs)
    return wrapped


_core._set_mode_decorator(_decorate)
