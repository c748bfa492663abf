"""Leaves: requires_grad, is_leaf, .grad as an attribute; nodes as Python sees them."""
import pytest

pytestmark = pytest.mark.engine


def leaf(lib, *values):
    return lib.tensor(list(values), requires_grad=True)


def test_flags(lib):
    a, x = lib.ones(1), leaf(lib, 1.0)
    y = x * 2
    assert (a.requires_grad, a.is_leaf, a.grad_fn) == (False, True, None)
    assert (x.requires_grad, x.is_leaf, x.grad_fn) == (True, True, None)
    assert y.requires_grad and not y.is_leaf and y.grad_fn is not None
    assert (a * 2).is_leaf and not (a * 2).requires_grad


def test_requires_grad_can_be_switched_on_and_off(lib):
    x = lib.ones(1)
    assert x.requires_grad_() is x and x.requires_grad
    assert x.requires_grad_(False) is x and not x.requires_grad
    x.requires_grad = True
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]
    x.requires_grad = False
    assert x.grad.tolist() == [2.0] and not (x * 2).requires_grad


def test_requires_grad_of_a_computed_tensor(lib):
    y = leaf(lib, 1.0) * 2
    y.requires_grad_()
    with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf variables."):
        y.requires_grad_(False)
    with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf variables."):
        y.requires_grad = False
    with pytest.raises(RuntimeError, match=r"you can only change requires_grad flags of leaf variables\.$"):
        y.requires_grad = True


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_integers_do_not_require_grad(lib, dtype):
    x = lib.ones(2).to(getattr(lib, dtype))
    with pytest.raises(RuntimeError, match="(?i)only Tensors of floating point.* dtype can require gradients"):
        x.requires_grad_()
    with pytest.raises(RuntimeError, match="(?i)only Tensors of floating point.* dtype can require gradients"):
        x.requires_grad = True
    x.requires_grad_(False)
    assert not x.requires_grad


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_floats_require_grad(lib, dtype):
    x = lib.ones(2, dtype=getattr(lib, dtype), requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.dtype is x.dtype and x.grad.tolist() == [2.0, 2.0]


def test_frozen_leaf_gets_no_gradient(lib):
    x, y = leaf(lib, 1.0), leaf(lib, 2.0)
    x.requires_grad_(False)
    (x * y).sum().backward()
    assert x.grad is None and y.grad.tolist() == [1.0]


def test_leaf_frozen_between_forward_and_backward(lib):
    x, y = leaf(lib, 1.0), leaf(lib, 2.0)
    z = (x * y).sum()
    x.requires_grad_(False)
    z.backward()
    assert x.grad is None and y.grad.tolist() == [1.0]


def test_leaf_that_died_before_backward(lib):
    x, y = leaf(lib, 1.0), leaf(lib, 2.0)
    z = (x * y).sum()
    del x
    z.backward()
    assert y.grad.tolist() == [1.0]


# ---- .grad ----

def test_assigning_grad(lib):
    x = leaf(lib, 1.0, 2.0)
    g = lib.tensor([3.0, 4.0])
    x.grad = g
    assert x.grad is g
    del x.grad
    assert x.grad is None
    x.grad = None
    assert x.grad is None


@pytest.mark.parametrize("value, error, message", [
    (lambda lib: 3, TypeError, "assigned grad expected to be a Tensor or None but got grad of type int"),
    (lambda lib: [1.0, 2.0], TypeError, "assigned grad expected to be a Tensor or None but got grad of type list"),
    (lambda lib: lib.ones(1), RuntimeError, r"attempting to assign a gradient of size '\[1\]' to a tensor of size '\[2\]'"),
    (lambda lib: lib.ones(2, dtype=lib.float64), RuntimeError, "attempting to assign a gradient with dtype 'double' to a tensor with grad_dtype"),
])
def test_assigning_something_else(lib, value, error, message):
    x = leaf(lib, 1.0, 2.0)
    with pytest.raises(error, match=message):
        x.grad = value(lib)
    assert x.grad is None


def test_assigning_itself(lib):
    x = leaf(lib, 1.0)
    with pytest.raises(RuntimeError, match="can't assign Variable as its own grad"):
        x.grad = x


def test_grad_of_what_needs_none(lib):
    x = lib.ones(2)
    assert x.grad is None
    x.grad = lib.zeros(2)
    assert x.grad.tolist() == [0.0, 0.0]


def test_grad_of_a_computed_tensor_warns(lib):
    y = leaf(lib, 1.0) * 2
    with pytest.warns(UserWarning, match="The .grad attribute of a Tensor that is not a leaf Tensor is being accessed."):
        assert y.grad is None


def test_grad_of_a_tensor_that_retains_it_does_not_warn(lib):
    y = leaf(lib, 1.0) * 2
    y.retain_grad()
    assert y.grad is None


# ---- nodes ----

def test_names_and_next_functions(lib):
    x, w = leaf(lib, 1.0), leaf(lib, 2.0)
    y = x.exp() * w
    node = y.grad_fn
    assert node.name() == "MulBackward0" and type(node).__name__ == "MulBackward0"
    (a, i), (b, j) = node.next_functions
    assert (a.name(), i) == ("ExpBackward0", 0) and b.name().endswith("AccumulateGrad") and j == 0
    assert b.variable is w and a.next_functions[0][0].variable is x


def test_next_functions_of_inputs_without_gradient(lib):
    y = leaf(lib, 1.0) * lib.ones(1)
    assert [None if n is None else n.name().split("::")[-1] for n, _ in y.grad_fn.next_functions] == ["AccumulateGrad", None]


def test_next_functions_tell_outputs_apart(lib):
    x = leaf(lib, 1.0, 2.0)
    a, b = x.split(1)
    assert (a.output_nr, b.output_nr) == (0, 1) and a.grad_fn is b.grad_fn or a.grad_fn == b.grad_fn
    assert (a * b).grad_fn.next_functions[1][1] == 1


def test_node_keeps_the_graph(lib):
    x = leaf(lib, 1.0)
    node = (x * 3).exp().grad_fn
    assert node.next_functions[0][0].next_functions[0][0].variable is x


def test_node_equality_and_hash(lib):
    y = leaf(lib, 1.0) * 2
    assert y.grad_fn == y.grad_fn and hash(y.grad_fn) == hash(y.grad_fn) and (y * 1).grad_fn != y.grad_fn
    assert len({y.grad_fn, y.grad_fn}) == 1


def test_walk_of_a_graph(lib):
    x = leaf(lib, 1.0)
    y = x
    for _ in range(50):
        y = y.sin()
    node, n = y.grad_fn, 0
    while node is not None and node.next_functions:
        node, n = node.next_functions[0][0], n + 1
    assert n == 50 and node.variable is x


@pytest.mark.parametrize("compute, name", [
    (lambda x: x + 1, "AddBackward0"), (lambda x: x - 1, "SubBackward0"), (lambda x: x / 2, "DivBackward0"), (lambda x: -x, "NegBackward0"),
    (lambda x: x ** 2, "PowBackward0"), (lambda x: x.sum(), "SumBackward0"), (lambda x: x.mean(), "MeanBackward0"),
    (lambda x: x.view(-1), "ViewBackward0"), (lambda x: x.t(), "TBackward0"), (lambda x: x.unsqueeze(0), "UnsqueezeBackward0"),
    (lambda x: x @ x.t(), "MmBackward0"), (lambda x: x.relu(), "ReluBackward0"), (lambda x: x.tanh(), "TanhBackward0"),
    (lambda x: x.softmax(0), "SoftmaxBackward0"), (lambda x: x[0], "SelectBackward0"), (lambda x: x[:1], "SliceBackward0"),
    (lambda x: x.expand(3, 2, 2), "ExpandBackward0"), (lambda x: x.clone(), "CloneBackward0"), (lambda x: x.double(), "ToCopyBackward0"),
    (lambda x: x.permute(1, 0), "PermuteBackward0"), (lambda x: x.max(), "MaxBackward1"), (lambda x: x.log(), "LogBackward0")])
def test_names(lib, compute, name):
    assert compute(lib.ones(2, 2, requires_grad=True)).grad_fn.name() == name


def test_gradient_edge(lib):
    x = leaf(lib, 1.0, 2.0)
    a, b = (x * 1).split(1)
    edge = lib.autograd.graph.get_gradient_edge(b)
    assert edge.output_nr == 1 and edge.node == b.grad_fn


def test_a_node_cannot_be_made():
    import wengert
    node = (leaf(wengert, 1.0) * 2).grad_fn
    with pytest.raises(TypeError):
        type(node)()
    with pytest.raises(TypeError):
        wengert.autograd.graph.Node()
