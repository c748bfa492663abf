"""torch._dynamo: what programs call of PyTorch's compiler beside torch.compile; nothing is compiled here."""
from .compiler import allow_in_graph, disable, is_compiling, list_backends, reset  # noqa: F401

__all__ = ["allow_in_graph", "config", "disable", "disallow_in_graph", "forbid_in_graph", "graph_break", "is_compiling", "list_backends",
           "mark_dynamic", "mark_static", "maybe_mark_dynamic", "optimize", "reset"]


class _Config:
    """Takes any setting and keeps it: there is nothing that it could change."""

    suppress_errors = False
    verbose = False
    cache_size_limit = 8
    recompile_limit = 8

    def patch(self, *args, **kwargs):
        """A context manager without effect."""
        import contextlib
        return contextlib.nullcontext()


config = _Config()


def mark_dynamic(t, index, **options):
    """Accepted: shapes may always differ."""


mark_static = maybe_mark_dynamic = mark_dynamic


def graph_break(msg=""):
    """There is no graph to break."""


def optimize(backend="inductor", **options):
    """A decorator that returns the function unchanged."""
    return lambda fn: fn


def disallow_in_graph(fn):
    """The function unchanged."""
    return fn


forbid_in_graph = disallow_in_graph
