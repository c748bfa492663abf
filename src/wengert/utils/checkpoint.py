"""torch.utils.checkpoint: parts of a model forget what backward needs, and compute it again when backward comes.

This saves the memory of the part's intermediate results and costs a second forward of it. Random numbers are drawn again
from the state that the first run began with.
"""

import contextlib
import warnings
import weakref

from .. import Tensor, enable_grad, get_rng_state, no_grad, set_rng_state
from ..autograd import Function, _is_checkpoint_valid, backward
from ..autograd.graph import saved_tensors_hooks

__all__ = ["CheckpointError", "CheckpointFunction", "check_backward_validity", "checkpoint", "checkpoint_sequential", "detach_variable",
           "noop_context_fn", "set_checkpoint_debug_enabled", "set_checkpoint_early_stop"]

_settings = {"early_stop": True}


class CheckpointError(RuntimeError):
    """The second run of a part saved other tensors than the first."""


class set_checkpoint_early_stop(contextlib.ContextDecorator):
    """Within it, whether a second run ends as soon as all it was run for is there (the default); overrides `checkpoint`'s own."""

    def __init__(self, enable):
        self.enable = enable

    def __enter__(self):
        self.before = _settings["early_stop"]
        _settings["early_stop"] = self.enable

    def __exit__(self, *exc):
        _settings["early_stop"] = self.before


class set_checkpoint_debug_enabled(contextlib.ContextDecorator):
    """Accepted: errors name the tensors that differ in any case."""

    def __init__(self, enabled):
        self.enabled = enabled

    def __enter__(self):
        pass

    def __exit__(self, *exc):
        pass


def noop_context_fn():
    """Two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def detach_variable(inputs):
    """The tensors of a tuple detached, with their ``requires_grad``; the rest as it is. RuntimeError: no tuple."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    return tuple(x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs)


def check_backward_validity(inputs):
    """Warns where no tensor requires grad."""
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


@contextlib.contextmanager
def _random_state(state):
    """The block draws from ``state`` on, what follows it as if it had not; None: no difference is made."""
    if state is None:
        yield
        return
    now = get_rng_state()
    set_rng_state(state)
    try:
        yield
    finally:
        set_rng_state(now)


class CheckpointFunction(Function):
    """The reentrant form: a record whose backward runs the function and a sweep through it."""

    @staticmethod
    def forward(ctx, run_function, preserve_rng_state, *args):
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.state = get_rng_state() if preserve_rng_state else None
        ctx.others = [None if isinstance(x, Tensor) else x for x in args]
        ctx.places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx, *grads):
        if not _is_checkpoint_valid():
            raise RuntimeError("When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                               "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                               ".backward() without passing the `inputs` argument.")
        inputs = list(ctx.others)
        for place, tensor in zip(ctx.places, ctx.saved_tensors):
            inputs[place] = tensor
        inputs = detach_variable(tuple(inputs))
        with _random_state(ctx.state), enable_grad():
            outputs = ctx.run_function(*inputs)
        if isinstance(outputs, Tensor):
            outputs = (outputs,)
        pairs = [(y, g) for y, g in zip(outputs, grads) if isinstance(y, Tensor) and y.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([y for y, _ in pairs], [g for _, g in pairs])
        return (None, None, *(x.grad if isinstance(x, Tensor) else None for x in inputs))


class _Stop(Exception):
    """Everything is there."""


class _Slot:
    """Stands in a record for a tensor that was not kept."""

    __slots__ = ("index", "__weakref__")

    def __init__(self, index):
        self.index = index


def _looks(tensor):
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


class _Part:
    """One run of a function whose saved tensors are not kept: slots stand for them, numbered in the order of saving.

    The first slot that is opened runs the function again, which saves the same tensors in the same order; those whose slots
    are still held wait here until they are taken, each once.
    """

    def __init__(self, run, state, contexts, check, early_stop):
        self.run, self.state, self.contexts = run, state, contexts
        self.check, self.early_stop = check, early_stop
        self.slots, self.looks, self.found = [], [], {}

    def pack(self, tensor):
        """For the first run."""
        slot = _Slot(len(self.slots))
        self.slots.append(weakref.ref(slot))
        self.looks.append(_looks(tensor) if self.check else None)
        return slot

    def unpack(self, slot):
        """For a sweep."""
        if slot.index not in self.found:
            self.compute_again()
        return self.found.pop(slot.index)

    def compute_again(self):
        """Fills ``found``."""
        count = 0

        def keep(tensor):
            nonlocal count
            index, count = count, count + 1
            if index >= len(self.slots):
                if self.check:
                    raise CheckpointError("torch.utils.checkpoint: trying to save more tensors during recomputation than during the "
                                          "original forward pass.")
            elif self.slots[index]() is not None:
                self.found[index] = tensor.detach()
                self.compare(index, tensor)
            if self.early_stop and count == len(self.slots):
                raise _Stop
            return tensor.detach()

        try:
            with _random_state(self.state), self.contexts[1], enable_grad(), saved_tensors_hooks(keep, lambda tensor: tensor):
                self.run()
        except _Stop:
            # The rest of the run would compute what nobody asks for.
            pass
        if count < len(self.slots):
            raise CheckpointError("torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                                  f"recomputation.\nNumber of tensors saved during forward: {len(self.slots)}\nNumber of tensors saved "
                                  f"during recomputation: {count}.")

    def compare(self, index, tensor):
        """CheckpointError: the tensor looks otherwise than in the first run."""
        if self.check and self.looks[index] != _looks(tensor):
            raise CheckpointError("torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than during "
                                  f"the forward pass.\ntensor at position {index}:\nsaved metadata: {self.looks[index]}\nrecomputed "
                                  f"metadata: {_looks(tensor)}")


def checkpoint(function, *args, use_reentrant=None, context_fn=noop_context_fn, determinism_check="default", debug=False,
               early_stop=True, **kwargs):
    """``function(*args, **kwargs)``, of which backward's needs are not kept but computed again.

    Args:
        use_reentrant (bool): True: the function becomes one record; no `autograd.grad` through it, and some input must
            require grad. False (recommended): its records stay and only what they save is dropped.
        context_fn: returns two context managers, for the first and the second run. Not reentrant only.
        determinism_check (str): "default" compares the tensors' shapes and dtypes in both runs, "none" does not.
        debug: accepted. early_stop (bool): the second run ends with the last tensor that is needed.
        preserve_rng_state (bool): the second run draws the same random numbers.

    Raises:
        ValueError: keyword arguments, context_fn or debug with the reentrant form; another determinism_check.
        CheckpointError (in backward): the second run saved other tensors.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, calling checkpoint "
            "without use_reentrant will raise an exception. use_reentrant=False is recommended, but if you need to preserve the current "
            "default behavior, you can pass use_reentrant=True. Refer to docs for more details on the differences between the two "
            "variants.", stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    contexts = context_fn()
    part = _Part(lambda: function(*args, **kwargs), get_rng_state() if preserve else None, contexts, determinism_check == "default",
                 early_stop and _settings["early_stop"])
    with contexts[0], saved_tensors_hooks(part.pack, part.unpack):
        return function(*args, **kwargs)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """A Sequential, or a list of functions, in segments that are checkpointed, but for the last.

    Args:
        functions: one after the other. segments (int): how many. input: of the first. use_reentrant, preserve_rng_state:
            see `checkpoint`.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In version 2.9 we will "
            "raise an exception if use_reentrant is not passed. use_reentrant=False is recommended, but if you need to preserve the "
            "current default behavior, you can pass use_reentrant=True. Refer to docs for more details on the differences between the "
            "two variants.", stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    functions = list(functions.children() if hasattr(functions, "children") else functions)

    def through(part):
        def run(x):
            for function in part:
                x = function(x)
            return x
        return run

    size = len(functions) // segments
    begin = 0
    for _ in range(segments - 1):
        input = checkpoint(through(functions[begin:begin + size]), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
        begin += size
    return through(functions[begin:])(input)
