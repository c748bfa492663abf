"""Views: what they see of writes, chains of them, views that outlive their base, the ambiguous cases that are refused."""
import gc

import numpy as np
import pytest

pytestmark = pytest.mark.engine


def leaf(lib, *values):
    return lib.tensor(list(values), requires_grad=True)


def computed(lib, *values):
    x = leaf(lib, *values)
    return x, x * 1


# ---- writes through views ----

def test_write_through_a_view_changes_the_base(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    y[1:].mul_(10)
    assert y.tolist() == [1.0, 20.0, 30.0] and y.grad_fn is not None
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 10.0, 10.0]


def written_through_a_view(lib):
    """A constant, one of whose views became a function of x."""
    x, y = leaf(lib, 5.0, 6.0), lib.zeros(3)
    y[1:].copy_(x)
    return x, y


@pytest.mark.parametrize("refused, error, text", [
    (lambda lib, y: y.resize_(7), RuntimeError, "cannot resize variables that require grad"),
    (lambda lib, y: lib.add(lib.ones(3), 1, out=y), RuntimeError, "out=... arguments don't support automatic differentiation"),
    (lambda lib, y: np.asarray(y), RuntimeError, "Can't call numpy"),
    (lambda lib, y: y.__dlpack__(), BufferError, "require gradient"),
], ids=["resize_", "out", "asarray", "dlpack"])
def test_a_base_written_through_a_view_requires_grad_from_then_on(lib, refused, error, text):
    _, y = written_through_a_view(lib)
    with pytest.raises(error, match=text):
        refused(lib, y)


def test_other_memory_leaves_the_history_that_writes_through_views_gave(lib):
    _, y = written_through_a_view(lib)
    y.set_(lib.ones(3))
    assert y.requires_grad
    x, y = written_through_a_view(lib)
    assert not y.view(lib.int32).requires_grad
    y.data = lib.ones(3)
    assert y.requires_grad and not y.is_leaf and y.output_nr == 0
    (y * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_write_through_a_transpose(lib):
    x = lib.arange(4.0).requires_grad_()
    y = (x * 1).view(2, 2)
    y.t().mul_(2)
    (y * lib.tensor([[1.0, 10.0], [100.0, 1000.0]])).sum().backward()
    assert x.grad.tolist() == [2.0, 20.0, 200.0, 2000.0]


def test_write_through_a_chain_of_views(lib):
    x = lib.arange(6.0).requires_grad_()
    y = x * 1
    y.view(2, 3).t()[1:].t()[0].mul_(5)             # elements 1 and 2
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 5.0, 5.0, 1.0, 1.0, 1.0]


def test_write_through_a_strided_view(lib):
    x = lib.arange(6.0).requires_grad_()
    y = x * 1
    y[::2].sin_()
    y.sum().backward()
    import math
    assert x.grad.tolist() == pytest.approx([1.0, 1.0, math.cos(2), 1.0, math.cos(4), 1.0], rel=1e-6)


def test_write_through_a_diagonal(lib):
    x = lib.ones(2, 2, requires_grad=True)
    y = x * 1
    y.diagonal().mul_(lib.tensor([3.0, 4.0]))
    y.sum().backward()
    assert x.grad.tolist() == [[3.0, 1.0], [1.0, 4.0]]


def test_write_through_one_view_shows_in_another(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    a, b = y[:2], y[1:]
    a.mul_(10)
    assert b.tolist() == [20.0, 3.0]
    b.sum().backward()
    assert x.grad.tolist() == [0.0, 10.0, 1.0]


def test_write_to_the_base_shows_in_views(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    v = y[1:]
    w = v.view(2, 1)
    y.mul_(10)
    (v.sum() + w.sum()).backward()
    assert x.grad.tolist() == [0.0, 20.0, 20.0]


def test_view_used_before_and_after_a_write(lib):
    x, y = computed(lib, 1.0, 2.0)
    v = y[:1]
    before = v * 3
    y.mul_(10)
    after = v * 5
    (before + after).sum().backward()
    assert x.grad.tolist() == [53.0, 0.0]


def test_base_used_before_and_after_a_write(lib):
    x, y = computed(lib, 1.0, 2.0)
    before = y.sum()
    y[:1].mul_(10)
    (before + y.sum()).backward()
    assert x.grad.tolist() == [11.0, 2.0]


def test_alternating_writes(lib):
    x, y = computed(lib, 1.0, 1.0, 1.0)
    a, b = y[:2], y[1:]
    a.mul_(2)
    y.mul_(3)
    b.mul_(5)
    a.add_(b.clone())
    y.sum().backward()
    # a = [6 x0, 30 x1], b = [30 x1, 15 x2] before the last write, a = [6 x0 + 30 x1, 30 x1 + 15 x2] after it
    assert y.tolist() == [36.0, 45.0, 15.0] and x.grad.tolist() == [6.0, 60.0, 30.0]


def test_gradient_of_the_written_value(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    w = leaf(lib, 5.0)
    y[1:].mul_(w)
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 5.0, 5.0] and w.grad.tolist() == [5.0]


def test_constant_base_becomes_differentiable(lib):
    base, w = lib.ones(3), leaf(lib, 5.0)
    v = base[1:]
    v.mul_(w)
    assert base.requires_grad and not base.is_leaf and v.requires_grad
    base.sum().backward()
    assert w.grad.tolist() == [2.0]


def test_second_derivative_through_views(lib):
    x, y = computed(lib, 2.0, 3.0)
    y[:1].pow_(3)
    y[1:].mul_(y[:1].clone())
    g, = lib.autograd.grad(y.sum(), x, create_graph=True)      # x0^3 + x0^3 x1
    assert g.tolist() == [12.0 + 36.0, 8.0]
    assert lib.autograd.grad(g.sum(), x)[0].tolist() == [12.0 + 36.0 + 12.0, 12.0]


def test_views_outlive_their_base(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    a, b = y[:2], y[1:]
    del y
    gc.collect()
    a.mul_(10)
    assert b.tolist() == [20.0, 3.0]
    (a.sum() + b.sum()).backward()
    assert x.grad.tolist() == [10.0, 20.0, 1.0]


def test_view_of_a_view_outlives_both(lib):
    x = lib.arange(4.0).requires_grad_()
    v = (x * 1).view(2, 2).t()[1]
    gc.collect()
    v.mul_(3)
    v.sum().backward()
    assert x.grad.tolist() == [0.0, 3.0, 0.0, 3.0]


def test_memory_of_a_dropped_base_stays_valid(lib):
    v = lib.arange(1000.0)[500:501]
    for _ in range(20):
        lib.full((1000,), -1.0)
    assert v.item() == 500.0


def test_expanded_view_gets_its_part_of_the_gradient(lib):
    x, y = computed(lib, 1.0, 2.0)
    e = y.expand(3, 2)
    y.mul_(2)
    e.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_view_of_a_transposed_base(lib):
    x = lib.arange(6.0).view(2, 3).requires_grad_()
    y = (x * 1).t().contiguous().t()                 # a base that is not row-major
    y[1].mul_(7)
    y.sum().backward()
    assert x.grad.tolist() == [[1.0] * 3, [7.0] * 3]


def test_as_strided_write(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0, 4.0)
    y.as_strided((2,), (3,), 0).mul_(5)
    y.sum().backward()
    assert x.grad.tolist() == [5.0, 1.0, 1.0, 5.0]


def test_saved_view_notices_writes_to_its_base(lib):
    x, y = computed(lib, 1.0, 2.0)
    z = y[:1].exp().sum() + (y[1:] * y[1:]).sum()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_name_of_a_stale_view(lib):
    x, y = computed(lib, 1.0, 2.0)
    v = y[:1]
    assert v.grad_fn.name() == "SliceBackward0"
    y.mul_(3)
    assert v.grad_fn.name() == "AsStridedBackward0" and v.requires_grad
    v.mul_(2)
    assert y.grad_fn.name().endswith("CopySlices")


def test_view_flag(lib):
    x = lib.ones(4)
    assert not x._is_view() and x[:2]._is_view() and x.view(2, 2)._is_view() and x.t()._is_view()
    assert not (x * 1)._is_view() and not x.clone()._is_view()


# ---- no_grad ----

def test_write_without_recording_through_a_view(lib):
    x, y = computed(lib, 1.0, 2.0)
    v = y[:1]
    with lib.no_grad():
        v.mul_(10)
    y.sum().backward()
    assert y.tolist() == [10.0, 2.0] and x.grad.tolist() == [1.0, 1.0] and y._version == v._version == 1


def test_view_made_without_recording_refuses_to_be_written(lib):
    x, y = computed(lib, 1.0, 2.0)
    with lib.no_grad():
        v = y[:1]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being modified inplace with grad mode enabled."):
        v.mul_(2)
    assert y.tolist() == [1.0, 2.0]
    with lib.no_grad():
        v.mul_(2)
    assert y.tolist() == [2.0, 2.0]


def test_view_made_without_recording_of_a_written_base(lib):
    x, y = computed(lib, 1.0, 2.0)
    with lib.no_grad():
        v = y[:1]
    y.mul_(2)
    with lib.no_grad():
        assert (v + 1).tolist() == [3.0]
    assert v.detach().tolist() == [2.0]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and its base or another view of its base has been modified inplace"):
        v.grad_fn
    assert "grad_fn=<Invalid>" in repr(v)


def test_view_made_without_recording_of_a_constant(lib):
    x = lib.ones(2)
    with lib.no_grad():
        v = x[:1]
    v.mul_(5)
    assert x.tolist() == [5.0, 1.0]


# ---- several views at once ----

@pytest.mark.parametrize("make, name", [
    (lambda y: y.unbind(0), "Unbind"), (lambda y: y.split(1), "Split"), (lambda y: y.chunk(2), "Split"), (lambda y: list(y), "Unbind")])
def test_one_of_several_views_refuses_to_be_written(lib, make, name):
    x, y = computed(lib, 1.0, 2.0)
    a, b = make(y)
    with pytest.raises(RuntimeError, match=f"Output 1 of {name}.* is a view and is being modified inplace. This view is the output of a function "
                                           "that returns multiple views."):
        b.mul_(2)
    assert y.tolist() == [1.0, 2.0]


def test_view_of_one_of_several_views_refuses_too(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0, 4.0)
    a, b = y.split(2)
    with pytest.raises(RuntimeError, match="returns multiple views"):
        b[0].mul_(2)


def test_several_views_of_a_constant_may_be_written(lib):
    x = lib.ones(2)
    a, b = x.unbind(0)
    b.mul_(2)
    assert x.tolist() == [1.0, 2.0]


def test_gradients_of_several_views(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    a, b, c = y.unbind(0)
    (a * 2 + c * 5).backward()
    assert x.grad.tolist() == [2.0, 0.0, 5.0]


@pytest.mark.parametrize("make, name", [(lambda y: y.unbind(0), "Unbind"), (lambda y: y.split(1), "Split"), (lambda y: y.split([1, 1]), "SplitWithSizes")])
@pytest.mark.parametrize("write", [lambda y: y.mul_(3), lambda y: y[0].mul_(3)])
def test_several_views_of_a_base_written_later(lib, make, name, write):
    x, y = computed(lib, 1.0, 2.0)
    a, b = make(y)
    write(y)
    for use in (lambda: b * 2, lambda: b.grad_fn, lambda: b.sum().backward()):
        with pytest.raises(RuntimeError, match=f"Output 1 of {name} is a view and its base or another view of its base has been modified inplace. "
                                               "This view is the output of a function that returns multiple views. Such functions do not"):
            use()
    assert "grad_fn=<Invalid>" in repr(b)
    with lib.no_grad():
        assert (b * 2).numel() == 1
    y.sum().backward()
    assert x.grad.tolist() in ([3.0, 3.0], [3.0, 1.0])


def test_several_views_made_without_recording(lib):
    x, y = computed(lib, 1.0, 2.0)
    with lib.no_grad():
        a, b = y.unbind(0)
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this"):
        b.mul_(2)
    constant = lib.ones(2)
    a, b = constant.unbind(0)
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being modified inplace with grad mode enabled. This view is the"):
        a.mul_(x[0])


@pytest.mark.parametrize("split", ["tensor_split(y, 3)", "tensor_split(y, [1])", "hsplit(y, 2)", "hsplit(y, [1, 2])", "vsplit(y.view(2, 2), 2)"])
def test_slices_may_be_written(lib, split):
    """These functions return views of the same elements, but one by one."""
    x, y = computed(lib, 1.0, 2.0, 3.0, 4.0)
    parts = eval("lib." + split)
    assert all(p.grad_fn.name() == "SliceBackward0" for p in parts)
    parts[0].mul_(3)
    (parts[0].sum() + 2 * parts[1].sum() + y.sum()).backward()
    n = parts[0].numel()
    assert x.grad.tolist() == [6.0] * n + [3.0] * parts[1].numel() + [1.0] * (4 - n - parts[1].numel())


@pytest.mark.parametrize("split", ["unsafe_split(y, 2)", "unsafe_chunk(y, 2)", "unsafe_split_with_sizes(y, [2, 2])"])
def test_unsafe_parts_are_no_views(lib, split):
    x, y = computed(lib, 1.0, 2.0, 3.0, 4.0)
    a, b = eval("lib." + split)
    assert not a._is_view() and a._base is None
    a.exp_()
    b.mul_(3)
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [1.0] * 4
    (a.log().sum() + b.sum()).backward()
    assert x.grad.tolist() == pytest.approx([2.0, 2.0, 4.0, 4.0])


@pytest.mark.parametrize("n", [1, 7, 63, 64, 65, 1000, 70000])
def test_many_views_at_once(lib, n):
    x = lib.arange(float(n)).requires_grad_()
    parts = (x * 2).unbind(0)
    assert len(parts) == n
    lib.stack([parts[0], parts[-1], parts[n // 2]]).sum().backward()
    expected = [0.0] * n
    for i in (0, n - 1, n // 2):
        expected[i] += 2
    assert x.grad.tolist() == expected


@pytest.mark.parametrize("n", [70000])
def test_many_operands_at_once(lib, n):
    x = leaf(lib, 3.0)
    y = lib.stack([x[0]] * n)
    (y * y).sum().backward()
    assert x.grad.item() == 6.0 * n
    z = lib.cat([x] * n)
    g, = lib.autograd.grad(z.sum(), x)
    assert g.item() == n


# ---- detach and data ----

def test_detach_shares_memory_and_version(lib):
    x, y = computed(lib, 1.0, 2.0)
    d = y.detach()
    assert not d.requires_grad and d.is_leaf and d.data_ptr() == y.data_ptr()
    d.zero_()
    assert y.tolist() == [0.0, 0.0] and y._version == 1


def test_data_shares_memory_but_not_the_version(lib):
    x, y = computed(lib, 1.0, 2.0)
    d = y.data
    d.zero_()
    assert y.tolist() == [0.0, 0.0] and y._version == 0 and d._version == 1


def test_detached_never_gets_a_gradient(lib):
    x, y = computed(lib, 1.0, 2.0)
    d = y.detach()
    y.mul_(3)
    assert not d.requires_grad and d.grad_fn is None and d.tolist() == [3.0, 6.0]


def test_write_of_a_gradient_into_what_was_detached(lib):
    x, y = computed(lib, 1.0, 2.0)
    w = leaf(lib, 5.0)
    d = y.detach()
    d.mul_(w)
    assert d.requires_grad and y.grad_fn.name() == "MulBackward0"
    d.sum().backward()
    assert w.grad.tolist() == [3.0] and x.grad is None


def test_detach_of_a_view(lib):
    x, y = computed(lib, 1.0, 2.0)
    d = y[:1].detach()
    y.mul_(3)
    assert not d.requires_grad and d.tolist() == [3.0]
    d.fill_(9)
    assert y.tolist() == [9.0, 6.0]


def test_detach_in_place(lib):
    x, y = computed(lib, 1.0, 2.0)
    assert y.detach_() is y
    assert not y.requires_grad and y.is_leaf and y.grad_fn is None


def test_detach_in_place_of_a_leaf(lib):
    x = leaf(lib, 1.0)
    y = (x * 2).sum()
    x.detach_()
    assert not x.requires_grad
    y.backward()
    assert x.grad is None


def test_detach_in_place_and_drop_before_backward(lib):
    x = leaf(lib, 1.0)
    y = (x * 2).sum()
    x.detach_()
    del x
    others = [lib.zeros(1) for _ in range(50)]
    y.backward()
    assert all(o.grad is None for o in others)


def test_requires_grad_false_and_drop_before_backward(lib):
    x = leaf(lib, 1.0)
    y = (x * 2).sum()
    x.requires_grad_(False)
    del x
    others = [lib.zeros(1) for _ in range(50)]
    y.backward()
    assert all(o.grad is None for o in others)


def test_detach_in_place_of_a_view(lib):
    x, y = computed(lib, 1.0, 2.0)
    with pytest.raises(RuntimeError, match="Can't detach views in-place. Use detach\\(\\) instead."):
        y[:1].detach_()


def test_detach_in_place_of_a_base_leaves_views_their_history(lib):
    x, y = computed(lib, 1.0, 2.0)
    v = y[:1]
    y.detach_()
    assert not y.requires_grad and v.requires_grad
    v.sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]


def test_data_assignment(lib):
    x = leaf(lib, 1.0, 2.0)
    other = lib.tensor([5.0, 6.0, 7.0])
    x.data = other
    assert x.tolist() == [5.0, 6.0, 7.0] and x.requires_grad and x.is_leaf and x.data_ptr() == other.data_ptr()
    (x * x).sum().backward()
    assert x.grad.tolist() == [10.0, 12.0, 14.0]


def test_data_assignment_between_forward_and_backward():
    import wengert
    x = leaf(wengert, 1.0, 2.0)
    y = (x * x).sum()
    x.data = wengert.tensor([100.0, 100.0])
    y.backward()
    assert x.grad.tolist() == [2.0, 4.0]               # what was saved is the old memory; torch takes the new


def test_data_assignment_of_integers(lib):
    x = leaf(lib, 1.0)
    with pytest.raises(RuntimeError, match="data set to a tensor that requires gradients must be floating point or complex dtype"):
        x.data = lib.tensor([1])


def test_update_through_data(lib):
    w = leaf(lib, 1.0)
    for _ in range(3):
        loss = (w * w).sum()
        loss.backward()
        w.data -= 0.25 * w.grad.data
        w.grad.data.zero_()
    assert w.item() == 0.125
