"""Structured rows that the engine itself leans on."""


def define(op):
    op("sum_to", "x, shape: int[]", vjp={"x": "expand(g, shape(x))"}, where="", doc="Sums over the dimensions that broadcasting added or stretched.")
    op("expand", "x, shape: int[]", kind="view", vjp={"x": "sum_to(g, shape(x))"}, where="m")
    op("to_dtype", "x, dtype: dtype", vjp={"x": "to_dtype(g, dtype(x))"}, where="", grad_name="ToCopyBackward0")
    op("clone", "x, memory_format: int = 0", vjp={"x": "g"}, where="tm")
