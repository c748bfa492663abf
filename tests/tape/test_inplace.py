"""Writing in place while recording: gradients, version checks, what is refused."""
import pytest

import wengert
from wengert import _core

pytestmark = pytest.mark.engine


def leaf(lib, *values):
    return lib.tensor(list(values), requires_grad=True)


def computed(lib, *values):
    """(x, y): a leaf, and a computed tensor of the same values."""
    x = leaf(lib, *values)
    return x, x * 1


# ---- gradients through in-place operations ----

UNARY = {       # name -> (write, gradient at (0.5, -0.25))
    "exp_": (lambda y: y.exp_(), [1.6487212707, 0.7788007831]),
    "sin_": (lambda y: y.sin_(), [0.8775825619, 0.9689124217]),
    "cos_": (lambda y: y.cos_(), [-0.4794255386, 0.2474039593]),
    "tanh_": (lambda y: y.tanh_(), [0.7864477330, 0.9400148489]),
    "sigmoid_": (lambda y: y.sigmoid_(), [0.2350037122, 0.2461341017]),
    "relu_": (lambda y: y.relu_(), [1.0, 0.0]),
    "neg_": (lambda y: y.neg_(), [-1.0, -1.0]),
    "abs_": (lambda y: y.abs_(), [1.0, -1.0]),
    "square_": (lambda y: y.square_(), [1.0, -0.5]),
    "pow_": (lambda y: y.pow_(3), [0.75, 0.1875]),
    "**=": (lambda y: y.__ipow__(2), [1.0, -0.5]),
    "+=": (lambda y: y.__iadd__(2), [1.0, 1.0]),
    "-=": (lambda y: y.__isub__(2), [1.0, 1.0]),
    "*=": (lambda y: y.__imul__(2), [2.0, 2.0]),
    "/=": (lambda y: y.__itruediv__(2), [0.5, 0.5]),
    "clamp_": (lambda y: y.clamp_(min=0.0), [1.0, 0.0]),
    "mul_ number": (lambda y: y.mul_(3), [3.0, 3.0]),
    "add_ alpha": (lambda y: y.add_(2, alpha=3), [1.0, 1.0]),
    "zero_": (lambda y: y.zero_(), [0.0, 0.0]),
    "fill_": (lambda y: y.fill_(3), [0.0, 0.0]),
    "chain": (lambda y: y.sin_().mul_(2).exp_(), [4.5786949739, 1.1814685644]),
}


@pytest.mark.parametrize("name", UNARY)
def test_gradient_through_a_write(lib, name):
    write, expected = UNARY[name]
    x, y = computed(lib, 0.5, -0.25)
    z = write(y)
    assert z is y and not y.is_leaf
    y.sum().backward()
    assert x.grad.tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", UNARY)
def test_write_is_the_function(lib, name):
    write, _ = UNARY[name]
    y = lib.tensor([0.5, -0.25])
    version, address = y._version, y.data_ptr()
    z = write(y)
    assert z is y and y.data_ptr() == address and y._version > version and not y.requires_grad


def test_both_operands_get_gradients(lib):
    x, y = computed(lib, 1.0, 4.0)
    w = leaf(lib, 2.0, 3.0)
    y.mul_(w)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 3.0] and w.grad.tolist() == [1.0, 4.0]


def test_division_in_place(lib):
    x, y = computed(lib, 1.0, 6.0)
    w = leaf(lib, 2.0, 3.0)
    y.div_(w)
    y.sum().backward()
    assert x.grad.tolist() == pytest.approx([1 / 2, 1 / 3]) and w.grad.tolist() == pytest.approx([-1 / 4, -6 / 9])


def test_second_derivative_through_an_overwritten_operand(lib):
    x, y = computed(lib, 2.0)
    w = leaf(lib, 5.0)
    y.mul_(w)
    gw, = lib.autograd.grad((y * y).sum(), w, create_graph=True)      # 2 x^2 w
    assert gw.tolist() == [40.0]
    assert lib.autograd.grad(gw, x)[0].tolist() == [40.0]             # 4 x w


@pytest.mark.parametrize("name, write, gx, gw", [
    ("mul_", lambda y, w: y.mul_(w), [5.0, 6.0], [1.0, 2.0]),
    ("add_ alpha", lambda y, w: y.add_(w, alpha=3), [1.0, 1.0], [3.0, 3.0]),
    ("sub_", lambda y, w: y.sub_(w), [1.0, 1.0], [-1.0, -1.0]),
    ("pow_", lambda y, w: y.pow_(w), [5.0, 192.0], [0.0, 44.3614195558]),
    ("addcmul_", lambda y, w: y.addcmul_(w, w), [1.0, 1.0], [10.0, 12.0]),
    ("addcdiv_", lambda y, w: y.addcdiv_(w, w.detach()), [1.0, 1.0], [0.2, 1 / 6]),
    ("lerp_", lambda y, w: y.lerp_(w, 0.25), [0.75, 0.75], [0.25, 0.25]),
    ("copy_", lambda y, w: y.copy_(w), [0.0, 0.0], [1.0, 1.0]),
])
def test_two_operands(lib, name, write, gx, gw):
    x, y = computed(lib, 1.0, 2.0)
    w = leaf(lib, 5.0, 6.0)
    write(y, w)
    y.sum().backward()
    assert x.grad.tolist() == pytest.approx(gx, rel=1e-6) and w.grad.tolist() == pytest.approx(gw, rel=1e-6)


def test_the_overwritten_operand_is_copied_once_and_only_where_it_is_read():
    for xs, ws, launches in ((True, False, 1), (False, True, 2), (True, True, 2)):
        y, w = wengert.ones(3, requires_grad=xs) * 1, wengert.ones(3, requires_grad=ws)
        with _core.Program() as program:
            y.mul_(w)
        assert len(program) == launches


def test_augmented_assignment_with_itself(lib):
    x, y = computed(lib, 1.0, 2.0)
    y += y
    y.sum().backward()
    assert y.tolist() == [2.0, 4.0] and x.grad.tolist() == [2.0, 2.0]


def test_augmented_assignment_keeps_the_object(lib):
    x, y = computed(lib, 1.0)
    before = y
    y += 1
    y *= 2
    assert y is before


def test_operand_broadcast(lib):
    x, y = computed(lib, 1.0, 2.0)
    w = leaf(lib, 3.0)
    y.mul_(w)
    y.sum().backward()
    assert w.grad.tolist() == [3.0] and x.grad.tolist() == [3.0, 3.0]


def test_constant_becomes_differentiable(lib):
    y, w = lib.ones(2), leaf(lib, 3.0, 4.0)
    y.mul_(w)
    assert y.requires_grad and not y.is_leaf
    y.sum().backward()
    assert w.grad.tolist() == [1.0, 1.0]


def test_write_of_a_float_parameter_into_integers(lib):
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        lib.ones(1, dtype=lib.int64).add_(leaf(lib, 1.5))


def test_target_does_not_grow(lib):
    y = lib.ones(3)
    with pytest.raises(RuntimeError, match=r"output with shape \[3\] doesn't match the broadcast shape \[2, 3\]"):
        y.add_(lib.ones(2, 3))
    assert y.tolist() == [1.0, 1.0, 1.0]


# ---- item assignment ----

def test_assign_a_slice(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    w = leaf(lib, 5.0, 6.0)
    y[1:3] = w
    (y * lib.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert y.tolist() == [1.0, 5.0, 6.0] and x.grad.tolist() == [1.0, 0.0, 0.0] and w.grad.tolist() == [10.0, 100.0]


def test_assign_a_number(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    y[0] = 7
    y.sum().backward()
    assert y.tolist() == [7.0, 2.0, 3.0] and x.grad.tolist() == [0.0, 1.0, 1.0]


def test_assign_into_a_constant(lib):
    y, w = lib.zeros(3), leaf(lib, 5.0)
    y[1] = w[0]
    y.sum().backward()
    assert y.requires_grad and w.grad.tolist() == [1.0]


def test_assign_everything(lib):
    x, y = computed(lib, 1.0, 2.0)
    w = leaf(lib, 5.0)
    y[...] = w
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0] and w.grad.tolist() == [2.0]


def test_assign_with_a_mask(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    y[y > 1.5] = 0
    y.sum().backward()
    assert y.tolist() == [1.0, 0.0, 0.0] and x.grad.tolist() == [1.0, 0.0, 0.0]


def test_assign_with_indices(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    w = leaf(lib, 5.0, 6.0)
    y[lib.tensor([2, 0])] = w
    (y * lib.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert y.tolist() == [6.0, 2.0, 5.0] and x.grad.tolist() == [0.0, 10.0, 0.0] and w.grad.tolist() == [100.0, 1.0]


def test_augmented_assignment_of_an_item(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    y[1:] *= 10
    y[0] += 1
    y.sum().backward()
    assert y.tolist() == [2.0, 20.0, 30.0] and x.grad.tolist() == [1.0, 10.0, 10.0]


def test_index_put(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    w = leaf(lib, 5.0, 6.0)
    y.index_put_((lib.tensor([0, 2]),), w)
    (y * lib.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert y.tolist() == [5.0, 2.0, 6.0] and x.grad.tolist() == [0.0, 10.0, 0.0] and w.grad.tolist() == [1.0, 100.0]


def test_index_put_accumulates(lib):
    x, y = computed(lib, 1.0, 2.0, 3.0)
    w = leaf(lib, 5.0, 6.0)
    y.index_put_((lib.tensor([0, 0]),), w, accumulate=True)
    (y * lib.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert y.tolist() == [12.0, 2.0, 3.0] and x.grad.tolist() == [1.0, 10.0, 100.0] and w.grad.tolist() == [1.0, 1.0]


def test_values_that_overlap_are_read_before_they_are_written():
    import wengert
    x, y = computed(wengert, 1.0, 2.0, 3.0)                # torch refuses
    y[1:] = y[:-1]
    (y * wengert.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert y.tolist() == [1.0, 1.0, 2.0] and x.grad.tolist() == [11.0, 100.0, 0.0]


# ---- leaves ----

@pytest.mark.parametrize("write", [
    lambda x: x.mul_(2), lambda x: x.zero_(), lambda x: x.__iadd__(1), lambda x: x.fill_(3), lambda x: x.copy_(x.detach()),
    lambda x: x.exp_(), lambda x: x.unsqueeze_(0), lambda x: x.uniform_(), lambda x: x.clamp_(0), lambda x: x.t_()])
def test_leaf_refuses(lib, write):
    x = leaf(lib, 1.0, 2.0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation."):
        write(x)
    assert x.tolist() == [1.0, 2.0] and x.is_leaf and x._version == 0


@pytest.mark.parametrize("write", [
    lambda x: x[0].mul_(2), lambda x: x.__setitem__(0, 7), lambda x: x.view(2, 1).zero_(), lambda x: x[:1].copy_(x[1:].detach()),
    lambda x: x.view(2).view(1, 2).t()[0].mul_(2)])
def test_view_of_a_leaf_refuses(lib, write):
    x = leaf(lib, 1.0, 2.0)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used in an in-place operation."):
        write(x)
    assert x.tolist() == [1.0, 2.0] and x.is_leaf


def test_leaf_that_became_one_after_its_view(lib):
    x = lib.ones(2)
    v = x[:1]
    x.requires_grad_()
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used in an in-place operation."):
        v.mul_(2)


def test_leaf_may_be_written_without_recording(lib):
    x = leaf(lib, 1.0, 2.0)
    with lib.no_grad():
        x.mul_(2)
        x[0] = 7
        x += 1
    assert x.tolist() == [8.0, 5.0] and x.is_leaf and x.requires_grad
    (x * 1).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_leaf_written_without_recording_between_forward_and_backward(lib):
    x = leaf(lib, 1.0, 2.0)
    y = (x * x).sum()
    with lib.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_expanded_memory_refuses(lib):
    x = lib.ones(1).expand(3)
    with pytest.raises(RuntimeError, match="unsupported operation: more than one element of the written-to tensor refers to a single memory location."):
        x.mul_(2)


# ---- versions of saved values ----

@pytest.mark.parametrize("name, save, write", [
    ("output of exp", lambda y: y.exp(), lambda y, z: z.mul_(2)),
    ("output of sigmoid", lambda y: y.sigmoid(), lambda y, z: z.zero_()),
    ("input of sin", lambda y: y.sin(), lambda y, z: y.add_(1)),
    ("input of mul", lambda y: y * y, lambda y, z: y.add_(1)),
    ("through a view", lambda y: y * y, lambda y, z: y[0].add_(1)),
    ("through the base", lambda y: y[:1] * y[:1], lambda y, z: y.add_(1)),
    ("another part of the same memory", lambda y: y[:1] * y[:1], lambda y, z: y[1:].add_(1)),
    ("through detach", lambda y: y * y, lambda y, z: y.detach().add_(1)),
    ("without recording", lambda y: y * y, lambda y, z: y.detach().zero_()),
    ("by assignment", lambda y: y * y, lambda y, z: y.__setitem__(0, 5)),
    ("at random", lambda y: y * y, lambda y, z: y.uniform_()),
    ("itself", lambda y: y.clone(), lambda y, z: z.mul_(z)),
])
def test_saved_value_that_was_written(lib, name, save, write):
    x, y = computed(lib, 1.0, 2.0)
    z = save(y)
    write(y, z)
    with pytest.raises(RuntimeError, match="one of the variables needed for gradient computation has been modified by an inplace operation"):
        z.sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("name, save, write, expected", [
    ("sum saves nothing", lambda y: y.sum(), lambda y, z: y.zero_(), [1.0, 1.0]),
    ("add saves nothing", lambda y: y + y, lambda y, z: y.mul_(5), [2.0, 2.0]),
    ("product with a number", lambda y: y * 3, lambda y, z: y.exp_(), [3.0, 3.0]),
    ("views save nothing", lambda y: y.view(2, 1).clone(), lambda y, z: y.zero_(), [1.0, 1.0]),
    ("tanh keeps its output", lambda y: y.tanh(), lambda y, z: y.zero_(), [0.4199743416, 0.0706508249]),
    ("through .data nobody looks", lambda y: y.sigmoid(), lambda y, z: y.data.zero_(), [0.1966119333, 0.1049935854]),
])
def test_write_that_does_no_harm(lib, name, save, write, expected):
    x, y = computed(lib, 1.0, 2.0)
    z = save(y)
    write(y, z)
    z.sum().backward()
    assert x.grad.tolist() == pytest.approx(expected, rel=1e-6)


def test_write_through_data_changes_what_was_saved(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x.exp()
    y.data.fill_(100)
    y.sum().backward()
    assert x.grad.tolist() == [100.0, 100.0]


def test_operand_without_gradient_is_not_saved(lib):
    x, y = computed(lib, 1.0, 2.0)
    w = lib.tensor([5.0, 6.0])
    z = y * w                          # saves w only
    y.zero_()
    z.sum().backward()
    assert x.grad.tolist() == [5.0, 6.0]


def test_version_message():
    import wengert
    x = leaf(wengert, 1.0, 2.0)
    y = x.exp()
    y.mul_(2)
    with pytest.raises(RuntimeError) as error:
        y.sum().backward()
    text = str(error.value)
    assert "[torch.FloatTensor [2]], which is output 0 of ExpBackward0, is at version 1; expected version 0 instead" in text
    assert "saved by ExpBackward0 and written last by mul" in text and "clone()" in text


def test_version_counts_writes(lib):
    x = lib.zeros(2)
    assert x._version == 0
    x.add_(1)
    x[0] = 2
    x.view(2, 1).mul_(2)
    assert x._version == 3 and x[0]._version == 3 and x.detach()._version == 3
    assert x.data._version == 0 and x.clone()._version == 0


def test_failed_write_changes_nothing(lib):
    x, y = computed(lib, 1.0, 2.0)
    version = y._version
    with pytest.raises(RuntimeError):
        y.mul_(lib.ones(3))
    y.sum().backward()
    assert y.tolist() == [1.0, 2.0] and x.grad.tolist() == [1.0, 1.0] and y._version == version


def test_write_after_backward_is_fine(lib):
    x = leaf(lib, 1.0)
    y = x.exp()
    y.sum().backward()
    y.mul_(2)
    x.data.add_(1)
    assert x.tolist() == [2.0]


def test_training_loop_with_writes(lib):
    w = leaf(lib, 1.0)
    for _ in range(20):
        y = w * 3
        y.sub_(6).pow_(2)
        y.sum().backward()
        with lib.no_grad():
            w -= 0.05 * w.grad
        w.grad = None
    assert w.item() == pytest.approx(2.0, abs=1e-6)


# ---- random fills ----

@pytest.mark.parametrize("fill", [
    lambda y: y.uniform_(), lambda y: y.normal_(), lambda y: y.exponential_(), lambda y: y.bernoulli_(0.5), lambda y: y.random_(0, 10),
    lambda y: y.log_normal_(), lambda y: y.cauchy_(), lambda y: y.geometric_(0.5)])
def test_random_fill_cuts_the_gradient(lib, fill):
    x, y = computed(lib, 1.0, 2.0)
    assert fill(y) is y
    assert y.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_random_fill_of_a_view_cuts_its_part(lib):
    x, y = computed(lib, 1.0, 2.0)
    y[:1].uniform_()
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0]


# ---- shape changes in place ----

@pytest.mark.parametrize("change, shape", [
    (lambda y: y.unsqueeze_(0), (1, 2, 3)), (lambda y: y.t_(), (3, 2)), (lambda y: y.transpose_(0, 1), (3, 2)),
    (lambda y: y.unsqueeze_(1).squeeze_(1), (2, 3))])
def test_shape_change_in_place(lib, change, shape):
    x = lib.ones(2, 3, requires_grad=True)
    y = x * 1
    z = change(y)
    assert z is y and tuple(y.shape) == shape
    y.mul_(2)
    (y * lib.arange(6).reshape(shape)).sum().backward()
    assert x.grad.shape == x.shape and x.grad.sum().item() == 30.0


def test_shape_change_of_a_base_leaves_its_views_right(lib):
    x = lib.ones(2, 3, requires_grad=True)
    y = x * 1
    v = y[0]
    y.t_()
    y.mul_(2)
    v.mul_(10)
    y.sum().backward()
    assert x.grad.tolist() == [[20.0] * 3, [2.0] * 3]
