"""out=: what is cast, resized with a warning, written in place or refused, each as PyTorch says it; numbers that do not fit."""
import pytest

import wengert as torch

x = torch.tensor([[3., 1., 2.], [6., 5., 4.]])


def test_matmul_writes_into_out_in_its_strides():
    out = torch.zeros(2, 2).t()
    assert torch.matmul(x, x.t(), out=out) is out and out.stride() == (1, 2)
    assert out.tolist() == (x @ x.t()).tolist()


@pytest.mark.parametrize("run, kind, text", [
    (lambda: torch.sort(x, out=(torch.empty(2, 3, dtype=torch.float64), torch.empty(2, 3, dtype=torch.int64))), RuntimeError,
     "Expected out tensor to have dtype float, but got double instead"),
    (lambda: torch.add(x, x, out=torch.empty(2, 3, dtype=torch.int64)), RuntimeError, "result type Float can't be cast to the desired output type Long"),
    (lambda: torch.cat([x, x], out=torch.empty(4, 3, dtype=torch.int64)), TypeError, r"torch.cat\(\): input types can't be cast to the desired output type Long"),
    (lambda: torch.abs(x, out=torch.empty(2, 3, dtype=torch.float64)), RuntimeError, "Found dtype Double but expected Float"),
    (lambda: torch.all(x, out=torch.empty((), dtype=torch.int64)), RuntimeError, "all only supports bool tensor for result, got: Long"),
    (lambda: torch.ones(2, dtype=torch.float32, out=torch.empty(2, dtype=torch.float64)), RuntimeError,
     r"dtype Float does not match dtype of out parameter \(Double\)"),
    (lambda: torch.exp(x, out=torch.empty(2, 3, requires_grad=True)), RuntimeError, r"exp\(\): functions with out=... arguments don't support"),
    (lambda: torch.zeros(2, out=torch.empty(2, requires_grad=True)), RuntimeError, r"aten::zeros\(\): functions with out=... arguments don't support"),
])
def test_refused(run, kind, text):
    with pytest.raises(kind, match=text):
        run()


def test_nothing_is_written_where_a_later_out_is_refused():
    values = torch.full((2, 3), 7.)
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype long int, but got float instead"):
        torch.sort(x, out=(values, torch.empty(2, 3)))
    assert values.tolist() == [[7.]*3]*2


def test_a_wider_float_is_cast_to():
    out = torch.empty(2, 3, dtype=torch.float64)
    assert torch.mul(x, 2, out=out) is out and out.tolist() == (x*2).tolist()
    out = torch.empty(2, 3, dtype=torch.float64)
    assert torch.cumsum(x, 0, out=out).tolist() == x.cumsum(0).tolist()


@pytest.mark.parametrize("dtype, word, number", [("int32", "int", 1 << 40), ("uint8", "uint8_t", 300), ("float32", "float", 1e40)])
def test_numbers_that_do_not_fit(dtype, word, number):
    t = torch.tensor([1, 2, 3], dtype=getattr(torch, dtype))
    mask = torch.tensor([True, False, True])
    for run in (lambda: t.clamp(0, number), lambda: torch.clamp_min(t, number), lambda: torch.where(mask, t, number),
                lambda: torch.add(t, t, alpha=number), lambda: torch.addcmul(t, t, t, value=number), lambda: t.pow(number),
                lambda: torch.nn.functional.threshold(t, 1, number), lambda: torch.nn.functional.pad(t, (1, 1), value=number),
                lambda: t.__setitem__(mask, number)):
        with pytest.raises(RuntimeError, match=f"value cannot be converted to type {word} without overflow"):
            run()
    with pytest.raises(OverflowError, match="int too big to convert"):
        t.clamp(0, 1 << 80)


def test_integers_keep_out_of_powers_and_quotients_that_are_none():
    t = torch.tensor([1, 2, 3])
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        t.pow_(1.5)
    assert t.pow(0.5).dtype is torch.float32
    with pytest.raises(RuntimeError, match="Integer division with addcdiv is no longer supported"):
        torch.addcdiv(t, t, t)


def test_samples_of_tensors_that_require_grad_have_a_gradient_of_zero():
    p = torch.tensor([.2, .8], requires_grad=True)
    torch.bernoulli(p).sum().backward()
    assert p.grad.tolist() == [0., 0.]


def test_tensordot_sums_over_sizes_of_one():
    a, b = torch.ones(1, 1, 1), torch.arange(4.).reshape(2, 1, 2)
    assert torch.tensordot(a, b, dims=((0, 1), (2, 0))).tolist() == [[6.]]


def test_out_that_shares_memory_with_what_is_read_is_refused():
    t = torch.arange(6.)
    for run in (lambda: torch.add(t[:-1], 1, out=t[1:]), lambda: torch.gather(t, 0, torch.tensor([0, 1, 2]), out=t[:3]),
                lambda: torch.take(t, torch.tensor([5, 0]), out=t[1:3]), lambda: torch.masked_select(t, t > 2, out=t)):
        with pytest.raises(RuntimeError, match="unsupported operation: some elements of the input tensor and the written-to tensor refer"):
            run()
    assert torch.mul(t, 2, out=t).tolist() == [0., 2., 4., 6., 8., 10.]


@pytest.mark.parametrize("name", ["var_mean", "std_mean"])
def test_moments_beside_a_mean_go_by_their_names(name):
    with pytest.warns(UserWarning, match=rf"^{name}\(\): degrees of freedom is <= 0"):
        getattr(torch, name)(torch.ones(1))
    with pytest.raises(RuntimeError, match=f"^{name} only support floating point"):
        getattr(torch, name)(torch.tensor([1, 2]))
    t = torch.tensor([1., 2., 4.], requires_grad=True)
    spread, mean = getattr(torch, name)(t)
    spread.backward()
    assert t.grad.tolist() == pytest.approx(torch.autograd.grad(getattr(t, name[:3])(), t)[0].tolist())


def test_integers_are_written_into_the_out_of_nan_to_num():
    out = torch.zeros(2, dtype=torch.int64)
    assert torch.nan_to_num(torch.tensor([1, 2]), out=out) is out and out.tolist() == [1, 2]
