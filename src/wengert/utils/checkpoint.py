"""torch.utils.checkpoint: trades memory for time in PyTorch; here the parts run as usual and keep what backward needs.

Values, gradients and random numbers are the same either way.
"""

__all__ = ["checkpoint", "checkpoint_sequential"]


def checkpoint(function, *args, use_reentrant=None, context_fn=None, determinism_check="default", debug=False, early_stop=True,
               preserve_rng_state=True, **kwargs):
    """``function(*args, **kwargs)``.

    Raises:
        NotImplementedError: context_fn asks for contexts around the two runs: there is only one.
    """
    if context_fn is not None:
        raise NotImplementedError("checkpoint(context_fn=...): wengert runs the function once and keeps its values")
    return function(*args, **kwargs)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """The input through a Sequential or a list of functions, one after the other."""
    for function in functions:
        input = function(input)
    return input
