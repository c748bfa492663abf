"""torch.fx: names for modules that mention it. There is no graph of a program to work on; what would make one says so."""

__all__ = ["Graph", "GraphModule", "Interpreter", "Node", "Proxy", "Tracer", "Transformer", "replace_pattern", "symbolic_trace", "wrap"]

_WHY = "wengert has no graph of a program to work on: modules run as Python. To see what a module calls use hooks, overrides.TorchFunctionMode or profiler.profile"


def wrap(fn_or_name):
    """Returns its argument: nothing is traced."""
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError("Unsupported type for global function! Must be either a callable or string name")
    return fn_or_name


class _Absent:
    """A class that objects can be compared with and that none is made of."""

    def __init__(self, *args, **kwargs):
        raise NotImplementedError(f"torch.fx.{type(self).__name__}: {_WHY}")


class Node(_Absent):
    """An operation of a graph."""


class Graph(_Absent):
    """Operations in order."""


class GraphModule(_Absent):
    """A module that runs a graph."""


class Proxy(_Absent):
    """A value that is not computed yet."""


class Tracer(_Absent):
    """Makes graphs of modules."""


class Interpreter(_Absent):
    """Runs graphs."""


class Transformer(_Absent):
    """Makes graphs of graphs."""


def symbolic_trace(root, concrete_args=None):
    """Raises NotImplementedError."""
    raise NotImplementedError(f"torch.fx.symbolic_trace: {_WHY}")


def replace_pattern(gm, pattern, replacement):
    """Raises NotImplementedError."""
    raise NotImplementedError(f"torch.fx.replace_pattern: {_WHY}")
