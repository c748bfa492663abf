"""Tensors that an autograd.Function saves."""
import gc
import weakref

import pytest
from functions_of_tests import cube, function, leaf

pytestmark = pytest.mark.engine


def test_saved_output(lib):
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    f = function(lib, forward, lambda ctx, g: g * ctx.saved_tensors[0])
    x = leaf(lib, 0.0)
    g, = lib.autograd.grad(f.apply(x), x, create_graph=True)
    assert g.tolist() == [1.0] and lib.autograd.grad(g, x)[0].tolist() == [1.0]


def test_saved_output_read_through_the_node(lib):
    """Outside of backward, too, it belongs to the graph."""
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(x, y)
        return y

    x = leaf(lib, 0.0)
    y = function(lib, forward, lambda ctx, g: g * ctx.saved_tensors[1]).apply(x)
    saved_x, saved_y = y.grad_fn.saved_tensors
    assert saved_x.is_leaf and saved_x.requires_grad and saved_y is not y and saved_y.grad_fn == y.grad_fn and saved_y.requires_grad
    assert lib.autograd.grad(saved_y, x, retain_graph=True)[0].tolist() == [1.0]
    assert not y.detach().exp().requires_grad
    y.backward()
    with pytest.raises(RuntimeError, match="after they have already been freed"):
        y.grad_fn.saved_tensors


def test_saved_none(lib):
    def forward(ctx, x):
        ctx.save_for_backward(None, x, None)
        return x * 2

    seen = []

    def backward(ctx, g):
        a, b, c = ctx.saved_tensors
        seen.append((a, b.tolist(), c))
        return g

    function(lib, forward, backward).apply(leaf(lib, 1.0)).backward()
    assert seen == [(None, [1.0], None)]


def test_saved_input_is_the_same_leaf(lib):
    seen = []

    def backward(ctx, g):
        seen.append(ctx.saved_tensors[0].requires_grad)
        return g

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    function(lib, forward, backward).apply(leaf(lib, 1.0)).backward()
    assert seen == [True]


def test_saved_tensor_that_was_written(lib):
    x = leaf(lib, 1.0) * 1
    y = cube(lib).apply(x)
    x.add_(1)
    with pytest.raises(RuntimeError, match="one of the variables needed for gradient computation has been modified by an inplace operation"):
        y.backward()


def test_saved_output_that_was_written(lib):
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    y = function(lib, forward, lambda ctx, g: g * ctx.saved_tensors[0]).apply(leaf(lib, 1.0))
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_saved_tensors_are_freed(lib):
    x = leaf(lib, 1.0)
    y = cube(lib).apply(x)
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.grad_fn.saved_tensors
    assert x.grad.tolist() == [6.0]


def test_second_backward_without_saved_tensors(lib):
    x = leaf(lib, 1.0)
    y = function(lib, lambda ctx, x: x * 2, lambda ctx, g: g * 2).apply(x)
    y.backward()
    y.backward()
    assert x.grad.tolist() == [4.0]


def test_saving_numbers(lib):
    def forward(ctx, x):
        ctx.save_for_backward(x, 3)
        return x

    with pytest.raises(TypeError, match="save_for_backward can only save variables, but argument 1 is of type int"):
        function(lib, forward, lambda ctx, g: g).apply(leaf(lib, 1.0))


def test_saved_outputs_make_no_cycle():
    import wengert as lib

    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(x, y)
        return y

    f = function(lib, forward, lambda ctx, g: g * ctx.saved_tensors[1])
    gc.disable()
    try:
        y = f.apply(leaf(lib, 1.0))
        ref, ctx = weakref.ref(y), weakref.ref(y.grad_fn)
        del y
        assert ref() is None and ctx() is None
    finally:
        gc.enable()


def test_nothing_is_left(baseline):
    import wengert as lib
    for _ in range(10):
        y = cube(lib).apply(leaf(lib, 1.0) * 1)
        y.sum().backward(retain_graph=True)
        del y
