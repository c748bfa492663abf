"""Parameters as one vector and back."""

from ... import Tensor, cat
from .._names import typename

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters):
    """All elements of ``parameters`` in one vector, differentiably. Shape (number of elements,)."""
    return cat([param.reshape(-1) for param in parameters])


def vector_to_parameters(vec, parameters):
    """Makes consecutive pieces of ``vec`` the values of ``parameters``; the parameters share its memory."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    start = 0
    for param in parameters:
        end = start + param.numel()
        param.data = vec[start:end].view_as(param).data
        start = end
