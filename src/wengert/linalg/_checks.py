"""Refusals in PyTorch's words, and named results."""
from ..types import make_return_type


def results(name, fields):
    """The type of a function's several results."""
    return make_return_type("linalg_" + name, fields)


def kind(x):
    """A dtype as messages call it: "Float"."""
    return x.type()[6:-6]


def check_float(name, x, low_precision=False):
    """Refuses integers, and half types unless ``low_precision``."""
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {kind(x)}")
    if not low_precision and x.dtype.name in ("float16", "bfloat16"):
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {kind(x)}")


def check_kernel(kernel, x):
    """Refuses what LAPACK has no routine for, as PyTorch's kernel of that name does."""
    if x.dtype.name not in ("float32", "float64"):
        raise NotImplementedError(f'"{kernel}" not implemented for \'{kind(x)}\'')


def check_matrix(name, x, argument="A"):
    if x.dim() < 2:
        raise RuntimeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")


def check_square(name, x, argument="A"):
    check_matrix(name, x, argument)
    if x.shape[-1] != x.shape[-2]:
        raise RuntimeError(f"{name}: {argument} must be batches of square matrices, but they are {x.shape[-2]} by {x.shape[-1]} matrices")


def check_same_dtype(name, a, b):
    if a.dtype is not b.dtype:
        raise RuntimeError(f"{name}: Expected A and B to have the same dtype, but found A of type {kind(a)} and B of type {kind(b)} instead")
