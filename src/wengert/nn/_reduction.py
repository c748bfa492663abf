"""The ``reduction`` argument of losses and its two forerunners, ``size_average`` and ``reduce``."""

import warnings

__all__ = ["check", "legacy_get_string"]

_KINDS = ("none", "mean", "sum")


def check(reduction):
    """Raises ValueError unless ``reduction`` is "none", "mean" or "sum"."""
    if reduction not in _KINDS:
        raise ValueError(f"{reduction} is not a valid value for reduction")


def legacy_get_string(size_average, reduce, emit_warning=True):
    """The reduction that ``size_average`` and ``reduce`` (None counts as True) ask for, with a warning."""
    if size_average is None:
        size_average = True
    if reduce is None:
        reduce = True
    reduction = "none" if not reduce else "mean" if size_average else "sum"
    if emit_warning:
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            stacklevel=3,
        )
    return reduction
