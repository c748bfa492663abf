"""Rows that move elements: casts, copies, joins, padding, triangles."""


def define(op):
    op("to_dtype", "x, dtype: dtype", vjp={"x": "to_dtype(g, dtype(x))"}, where="", grad_name="ToCopyBackward0")
    op("clone", "x, *, memory_format: int? = None", vjp={"x": "g"},
       doc="A copy. memory_format None or 1 preserves the order of dense strides, 0 is row-major, 2 is channels_last.")
    op("sum_to", "x, shape: int[]", vjp={"x": "expand(g, shape(x))"}, where="m", public="sum_to_size", kind="view", grad_name="SumBackward1",
       doc="Sums over the dimensions that broadcasting added or stretched; a window where there are none.")
    op("copy_into", "x, src", vjp={"x": "_zero(g)", "src": "sum_to(to_dtype(g, dtype(src)), shape(src))"}, linear="x+src", where="",
       grad_name="CopyBackwards0", inplace=True, doc="x.copy_(src): src broadcast to x's shape and cast to x's dtype.")
    op("cat", "tensors: Tensor[], dim: int = 0",
       vjp={"tensors": "b = prefix(tensors, dim); _reshape(slice(g, dim, 0, 0, 1), shape(tensors)) "
                        "if ndim(tensors) == 1 and numel(tensors) == 0 else slice(g, dim, b, b + size(tensors, dim), 1)"}, where="t",
       linear="tensors", aliases=("concat", "concatenate"))
    op("stack", "tensors: Tensor[], dim: int = 0", vjp={"tensors": "select(g, dim, position(tensors))"}, where="t", linear="tensors")
    op("flip", "x, dims: int[]", vjp={"x": "flip(g, dims)"})
    op("roll", "x, shifts: int[], dims: int[] = ()", vjp={"x": "_roll_back(g, shifts, dims)"})
    op("_roll_back", "x, shifts: int[], dims: int[]", vjp={"x": "roll(g, shifts, dims)"}, grad_name="RollBackward0")
    op("repeat", "x, repeats: int[]", vjp={"x": "_repeat_back(g, shape(x), repeats)"}, where="m")
    op("_repeat_back", "x, shape: int[], repeats: int[]", vjp={"x": "repeat(g, repeats)"}, grad_name="RepeatBackward0",
       doc="Adds up the copies.")
    op("tril", "x, diagonal: int = 0", vjp={"x": "tril(g, diagonal)"}, inplace=True)
    op("triu", "x, diagonal: int = 0", vjp={"x": "triu(g, diagonal)"}, inplace=True)
    op("pad", "x, pad: int[], mode: str{constant,reflect,replicate,circular} = constant, value: Number? = None",
       vjp={"x": "_pad_back(g, pad, mode, shape(x))"}, where="f", grad_name="ConstantPadNdBackward0",
       doc="pads are (before, after) of the last dimension, then of the one before it, ...; negative ones crop.")
    op("_pad_back", "x, pad: int[], mode: str{constant,reflect,replicate,circular}, shape: int[]",
       vjp={"x": "pad(g, pad, mode)"}, grad_name="ConstantPadNdBackward0")
