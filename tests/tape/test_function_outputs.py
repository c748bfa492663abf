"""Outputs of an autograd.Function: marked, or sharing memory with inputs."""
import pytest
from functions_of_tests import function, leaf

pytestmark = pytest.mark.engine


# ---- marked ----

def test_mark_non_differentiable(lib):
    def forward(ctx, x):
        a, b = x * 2, x * 3
        ctx.mark_non_differentiable(b)
        return a, b

    x = leaf(lib, 1.0)
    a, b = function(lib, forward, lambda ctx, g, h: g * 2 + h).apply(x)
    assert a.requires_grad and not b.requires_grad and b.grad_fn is None and b.is_leaf
    a.backward()
    assert x.grad.tolist() == [2.0]


def test_integer_outputs_are_not_differentiable(lib):
    x = leaf(lib, 1.5)
    a, b = function(lib, lambda ctx, x: (x * 2, x.long()), lambda ctx, g, h: g * 2).apply(x)
    assert a.requires_grad and not b.requires_grad
    a.backward()
    assert x.grad.tolist() == [2.0]


def dirty(lib):
    def forward(ctx, x):
        x.mul_(3)
        ctx.mark_dirty(x)
        return x

    return function(lib, forward, lambda ctx, g: g * 3)


def test_mark_dirty(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x * 1
    z = dirty(lib).apply(y)
    assert z is y and y.tolist() == [3.0, 6.0] and y.grad_fn.name() == "MadeBackward"
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_mark_dirty_of_a_view(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x * 1
    dirty(lib).apply(y[:1])
    y.sum().backward()
    assert y.tolist() == [3.0, 2.0] and x.grad.tolist() == [3.0, 1.0]


def test_mark_dirty_of_a_base(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x * 1
    v = y[:1]
    dirty(lib).apply(y)
    v.sum().backward()
    assert x.grad.tolist() == [3.0, 0.0]


def test_mark_dirty_invalidates_what_was_saved(lib):
    x = leaf(lib, 1.0)
    y = x * 1
    z = y * y
    dirty(lib).apply(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_mark_dirty_of_a_leaf(lib):
    x = leaf(lib, 1.0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad .* used in an in-place operation."):
        dirty(lib).apply(x)


def test_mark_dirty_without_gradient(lib):
    x = lib.ones(2)
    assert dirty(lib).apply(x) is x and x.tolist() == [3.0, 3.0]


def test_mark_dirty_of_what_is_not_returned(lib):
    def forward(ctx, x):
        x.mul_(3)
        ctx.mark_dirty(x)
        return x * 1

    with pytest.raises(RuntimeError, match="Some elements marked as dirty during the forward method were not returned as output."):
        function(lib, forward, lambda ctx, g: g).apply(leaf(lib, 1.0) * 1)


@pytest.mark.parametrize("what", [None, 3])
@pytest.mark.parametrize("requires_grad", [True, False])
def test_mark_dirty_of_no_tensor(lib, what, requires_grad):
    def forward(ctx, x, what):
        ctx.mark_dirty(what)
        return x * 1

    with pytest.raises(RuntimeError, match="mark_dirty can only accept variables, but argument"):
        function(lib, forward, lambda ctx, g: (g, None)).apply(lib.ones(2, requires_grad=requires_grad), what)


def test_backward_that_leads_to_itself(lib):
    """What was saved of an output still has its history when the inner backward is over."""
    inner = []

    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    def backward(ctx, g):
        if not inner:
            inner.append(None)
            with lib.enable_grad():
                inner[:] = lib.autograd.grad(y, x, retain_graph=True)
        return g * ctx.saved_tensors[0]

    x = leaf(lib, 2.0)
    y = function(lib, forward, backward).apply(x)
    g, = lib.autograd.grad(y, x, lib.ones(1), create_graph=True)
    assert g.requires_grad
    g2, = lib.autograd.grad(g, x, lib.ones(1))
    assert g2.tolist() == y.tolist() and inner[0].tolist() == y.tolist()


# ---- outputs that share memory with inputs ----

def test_input_returned_as_is(lib):
    x = leaf(lib, 1.0)
    y = function(lib, lambda ctx, x: x, lambda ctx, g: g * 10).apply(x)
    assert y is not x and y.data_ptr() == x.data_ptr() and y.grad_fn.name() == "MadeBackward" and x.is_leaf
    y.backward()
    assert x.grad.tolist() == [10.0]


@pytest.mark.parametrize("forward", [lambda ctx, x: x, lambda ctx, x: x.view(-1), lambda ctx, x: x[:1]], ids=["itself", "view", "slice"])
def test_view_that_a_function_returns_refuses_to_be_written(lib, forward):
    x = leaf(lib, 1.0, 2.0) * 1
    y = function(lib, forward, lambda ctx, g: g).apply(x)
    with pytest.raises(RuntimeError, match="Output 0 of Made is a view and is being modified inplace. This view was created inside a custom Function"):
        y.add_(1)
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("forward", [lambda ctx, x: x, lambda ctx, x: x.view(-1)], ids=["itself", "view"])
def test_view_that_a_function_returned_of_a_written_base(lib, forward):
    x = leaf(lib, 1.0, 2.0) * 1
    y = function(lib, forward, lambda ctx, g: g).apply(x)
    x.add_(1)
    with pytest.raises(RuntimeError, match="is a view and its base or another view of its base has been modified inplace. This view was created inside a custom"):
        y.sum().backward()


def test_same_output_twice(lib):
    seen = []

    def forward(ctx, x):
        y = x * 2
        return y, y

    def backward(ctx, g, h):
        seen.append((g.tolist(), h.tolist()))
        return g + h

    x = leaf(lib, 1.0)
    y, z = function(lib, forward, backward).apply(x)
    assert y is z
    (y + 2 * z).backward()
    assert seen == [([0.0], [3.0])] and x.grad.tolist() == [3.0]


def test_input_returned_twice():
    import wengert as lib
    x = leaf(lib, 1.0)
    y, z = function(lib, lambda ctx, x: (x, x), lambda ctx, g, h: g + h).apply(x)
    (y + z).backward()
    assert x.grad.tolist() == [2.0]


def test_parameter_of_the_surroundings_as_output():
    import wengert as lib
    p, x = leaf(lib, 5.0), leaf(lib, 1.0)
    y = function(lib, lambda ctx, x: p, lambda ctx, g: g * 2).apply(x)
    assert y is not p and p.is_leaf
    y.backward()
    assert x.grad.tolist() == [2.0] and p.grad is None
