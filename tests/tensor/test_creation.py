"""Making tensors, against torch: values, dtypes, errors."""
import numpy as np
import pytest

pytest.importorskip("torch")
from like_torch import assert_same, outcome  # noqa: E402

import torch  # noqa: E402
import wengert  # noqa: E402

PROGRAMS = {
    "int": lambda t: t.tensor(3), "float": lambda t: t.tensor(3.5), "bool": lambda t: t.tensor(True),
    "list of ints": lambda t: t.tensor([1, 2, 3]), "mixed": lambda t: t.tensor([1, 2.5]), "bools and ints": lambda t: t.tensor([True, 2]),
    "nested": lambda t: t.tensor([[1.0, 2.0], [3.0, 4.0]]), "empty list": lambda t: t.tensor([]), "empty rows": lambda t: t.tensor([[], []]),
    "dtype": lambda t: t.tensor([1, 2], dtype=t.float64), "to int": lambda t: t.tensor([1.7, -2.7], dtype=t.int32),
    "to bool": lambda t: t.tensor([0, 2], dtype=t.bool), "half": lambda t: t.tensor([0.1, 65519.0, 1e-8], dtype=t.float16),
    "bfloat16": lambda t: t.tensor([0.1, 3.3e38], dtype=t.bfloat16), "tuple": lambda t: t.tensor((1, 2)),
    "ndarray": lambda t: t.tensor(np.arange(6.0).reshape(2, 3)), "ndarray of ints": lambda t: t.tensor(np.array([1, 2], dtype=np.int16)),
    "transposed array": lambda t: t.tensor(np.arange(6.0).reshape(2, 3).T), "numpy scalar": lambda t: t.tensor(np.float32(1.5)),
    "0-d array": lambda t: t.tensor(np.array(2.5)), "as_tensor": lambda t: t.as_tensor([1, 2]),
    "tensors inside": lambda t: t.tensor([t.tensor(1.0), t.tensor(2.0)]),
    "zeros": lambda t: t.zeros(2, 3), "zeros of a tuple": lambda t: t.zeros((2, 3), dtype=t.int64), "zeros of none": lambda t: t.zeros(()),
    "ones": lambda t: t.ones(2, dtype=t.bool), "full": lambda t: t.full((2, 2), 7), "full of a float": lambda t: t.full((2,), 1.5),
    "full of a bool": lambda t: t.full((2,), True), "arange": lambda t: t.arange(5), "arange of floats": lambda t: t.arange(0, 1, 0.3),
    "arange down": lambda t: t.arange(5, 0, -2), "arange dtype": lambda t: t.arange(3, dtype=t.float32), "arange empty": lambda t: t.arange(0),
    "linspace": lambda t: t.linspace(-1, 2, 7), "linspace of one": lambda t: t.linspace(3, 9, 1), "logspace": lambda t: t.logspace(0, 2, 3),
    "eye": lambda t: t.eye(3), "eye of two sizes": lambda t: t.eye(2, 4), "zeros_like": lambda t: t.zeros_like(t.ones(2, 3)),
    "ones_like dtype": lambda t: t.ones_like(t.zeros(2), dtype=t.int32), "full_like": lambda t: t.full_like(t.zeros(2), 3),
    "new_zeros": lambda t: t.ones(2, dtype=t.float64).new_zeros(3), "new_tensor": lambda t: t.ones(2, dtype=t.float64).new_tensor([1, 2]),
    "FloatTensor": lambda t: t.FloatTensor([1, 2]), "LongTensor": lambda t: t.LongTensor([1, 2]), "Tensor": lambda t: t.Tensor([1, 2]),
    "Tensor of sizes": lambda t: t.Tensor(2, 3).shape, "type": lambda t: t.ones(2).type(), "isinstance": lambda t: isinstance(t.ones(2), t.FloatTensor),
    "scalar_tensor": lambda t: t.scalar_tensor(2), "frombuffer": lambda t: t.frombuffer(bytearray(b"\1\2\3"), dtype=t.uint8),
    "requires grad": lambda t: t.tensor([1.0], requires_grad=True).requires_grad,
}

REFUSED = {
    "ragged": lambda t: t.tensor([[1, 2], [3]]), "ragged depth": lambda t: t.tensor([[1], 2]), "string": lambda t: t.tensor("x"),
    "dict": lambda t: t.tensor({}), "None": lambda t: t.tensor(None), "negative size": lambda t: t.zeros(-1), "float size": lambda t: t.zeros(2.5),
    "step of zero": lambda t: t.arange(0, 1, 0), "step away": lambda t: t.arange(0, 1, -1), "negative steps": lambda t: t.linspace(0, 1, -1),
    "grad of ints": lambda t: t.tensor([1], requires_grad=True), "object array": lambda t: t.tensor(np.array([object()])),
    "negative strides": lambda t: t.from_numpy(np.arange(3)[::-1]), "from_numpy of a list": lambda t: t.from_numpy([1]),
    "dtype that is none": lambda t: t.zeros(2, dtype="float32"), "large uint8": lambda t: t.tensor([300], dtype=t.uint8),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same(name):
    assert_same(PROGRAMS[name], 1e-6 if name == "logspace" else 0.0)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_alike(name):
    ours, theirs = outcome(REFUSED[name], wengert)[0], outcome(REFUSED[name], torch)[0]
    assert theirs[0] == "raised"
    assert ours[0] == "raised" and ours[1] in (theirs[1], "RuntimeError", "TypeError", "ValueError"), (ours, theirs)


def test_a_list_that_contains_itself():
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError):
        wengert.tensor(loop)


def test_huge_sizes():
    with pytest.raises(MemoryError):
        wengert.zeros(2**44)
    with pytest.raises(RuntimeError, match="overflow"):
        wengert.empty(2**40, 2**40)
    with pytest.raises(RuntimeError, match="dimensions"):
        wengert.empty((1,) * 100)


def test_default_dtype():
    before = wengert.get_default_dtype()
    try:
        wengert.set_default_dtype(wengert.float64)
        assert wengert.tensor(1.0).dtype is wengert.float64 and wengert.ones(2).dtype is wengert.float64
        assert (wengert.tensor([1, 2]) * 0.5).dtype is wengert.float64
        with pytest.raises(TypeError):
            wengert.set_default_dtype(wengert.int64)
    finally:
        wengert.set_default_dtype(before)


def test_pinned_memory_is_zero():
    assert wengert.empty(5, pin_memory=True).tolist() == [0.0] * 5


def test_numpy_scalars_keep_their_dtype():
    assert_same(lambda t: [t.tensor(np.float64(2.5)).dtype, t.tensor([np.float64(2.5)]).dtype, t.tensor([np.float32(2.5)]).dtype])


TENSORS_IN_LISTS = """
t([t([1.])]) | t([t([[1.]])]) | t([t([1.,2.])]) | t([t([1]),t([2])]) | t([t([1]),2.5]) | t([2.5,t([1])]) | t([[t([1.])],[2]]) | t([t([])])
t((t([1.]),t([2.]))) | t([t([True])]) | t([t([1.,2.]),t([3.,4.])]) | t([[1.,2.],t([3.,4.])]) | t([t([1.,2.]),[3.,4.]]) | t([t([1.]),[2.]])
t([[2.],t([1.])]) | t([t([1.]).double()]) | t([t(1.),t([2.])]) | t([t(5),t(2)]) | t([1.,2.]).new_tensor([t([1.])]) | t([t([[1.,2.]])])
t([[t([1.])],t([2.])]) | t([t([2.]),[t([1.])]]) | t([[[1.]],t([2.])]) | t([[1.],t(2.)]) | t([[1,2],t([[1],[2]])]) | t([[1,2],t([1,2,3])])
t([1.,[2.]]) | t([1,[2]]) | t([True,(2,)]) | t([1.,(2,)]) | t([t([1.])],dtype=t([1]).dtype) | t([t(1.5)],dtype=t([True]).dtype) | t([t(2)],dtype=t(1.).dtype)
"""


@pytest.mark.parametrize("text", [part.strip() for line in TENSORS_IN_LISTS.split("\n") for part in line.split("|") if part.strip()])
def test_a_tensor_in_a_list_is_a_number(text):
    def program(lib):
        return eval(text, {"t": lib.tensor})

    ours, theirs = outcome(program, wengert), outcome(program, torch)
    assert ours[0][:2] == theirs[0][:2] if theirs[0][0] == "raised" else str(ours) == str(theirs)
