"""torch.compile and torch.compiler: accepted, and without effect, for eager execution is what wengert makes fast."""

__all__ = ["compile", "disable", "is_compiling", "is_dynamo_compiling", "is_exporting", "reset", "allow_in_graph",
           "assume_constant_result", "cudagraph_mark_step_begin", "list_backends", "set_stance"]

_MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")
_BACKENDS = ("cudagraphs", "inductor", "eager", "aot_eager", "onnxrt", "openxla", "tvm")


def compile(model=None, *, fullgraph=False, dynamic=None, backend=None, mode=None, options=None, name=None, disable=False,
            recompile_limit=None, isolate_recompiles=False, shapes_spec=None):
    """Returns the function or module unchanged, after checking the arguments; without one, a decorator that does so.

    Nothing is compiled: there is nothing to wait for, and results are eager's because they are eager. A module comes back
    as itself, so that the keys of its state_dict have no ``_orig_mod.`` before them.

    Args:
        fullgraph, dynamic, recompile_limit, isolate_recompiles, shapes_spec, name, disable: accepted.
        backend: a backend's name, or a callable, which is not called.
        mode, options: one of PyTorch's modes, or a dict; not both.

    Raises:
        RuntimeError: both ``mode`` and ``options``; an unknown mode; an unknown backend.
        AssertionError: ``model`` is not callable.
    """
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if model is None:
        return lambda model: compile(model, backend=backend, mode=mode, options=options)
    if mode is not None and mode not in _MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    if backend is not None and not callable(backend) and backend not in _BACKENDS:
        raise RuntimeError(f"Invalid backend: {backend!r}, see `torch.compiler.list_backends()` for available backends.")
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    return model


def disable(fn=None, recursive=True, *, reason=None):
    """The function unchanged; without one, a decorator."""
    return (lambda fn: fn) if fn is None else fn


def allow_in_graph(fn):
    """The function unchanged."""
    return fn


assume_constant_result = allow_in_graph


def is_compiling():
    """False."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def reset():
    """Nothing to forget."""


def cudagraph_mark_step_begin():
    """Nothing to mark."""


def list_backends(exclude_tags=("debug", "experimental")):
    """Names that `compile` accepts."""
    return sorted(_BACKENDS)


class set_stance:
    """Accepted, also as a context manager and as a decorator."""

    def __init__(self, stance="default", **options):
        self.stance = stance

    def __call__(self, fn):
        return fn

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None
