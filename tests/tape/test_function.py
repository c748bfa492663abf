"""autograd.Function: what users write, and what they get wrong."""
import pytest

pytestmark = pytest.mark.engine


def exp(lib):
    class Exp(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            y, = ctx.saved_tensors
            return g * y

    return Exp


def test_forward_and_backward(lib):
    x = lib.tensor([0.0, 1.0], requires_grad=True)
    y = exp(lib).apply(x)
    assert y.requires_grad and not y.is_leaf and type(y.grad_fn).__name__ == "ExpBackward"
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


def test_double_backward(lib):
    x = lib.tensor([0.5], dtype=lib.float64, requires_grad=True)
    y = exp(lib).apply(x)
    g, = lib.autograd.grad(y, x, create_graph=True)
    gg, = lib.autograd.grad(g, x, create_graph=True)
    ggg, = lib.autograd.grad(gg, x)
    assert g.item() == gg.item() == ggg.item() == y.item()


def test_setup_context(lib):
    class Scale(lib.autograd.Function):
        @staticmethod
        def forward(x, factor):
            return x * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.factor = inputs[1]

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    x = lib.ones(2, requires_grad=True)
    Scale.apply(x, 3.0).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_needs_input_grad_and_several_outputs(lib):
    seen = []

    class Both(lib.autograd.Function):
        @staticmethod
        def forward(ctx, a, n, b):
            seen.append(ctx.needs_input_grad)
            return a * b, a + b

        @staticmethod
        def backward(ctx, g, h):
            seen.append((g.tolist(), h.tolist()))
            return g + h, None, None

    a = lib.ones(2, requires_grad=True)
    product, total = Both.apply(a, 5, lib.ones(2))
    assert seen == [(True, False, False)]
    product.sum().backward()
    assert seen[1] == ([1.0, 1.0], [0.0, 0.0]) and a.grad.tolist() == [1.0, 1.0] and total.requires_grad


def test_absent_gradients_may_be_none(lib):
    class Both(lib.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.set_materialize_grads(False)
            return a * 1, a * 2

        @staticmethod
        def backward(ctx, g, h):
            assert h is None
            return g

    a = lib.ones(2, requires_grad=True)
    Both.apply(a)[0].sum().backward()
    assert a.grad.tolist() == [1.0, 1.0]


def test_mark_non_differentiable(lib):
    class Sort(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            values, places = x.sort()
            ctx.mark_non_differentiable(places)
            ctx.save_for_backward(places)
            return values, places

        @staticmethod
        def backward(ctx, g, unused):
            places, = ctx.saved_tensors
            out = lib.zeros_like(g)
            out[places] = g
            return out

    x = lib.tensor([3.0, 1.0, 2.0], requires_grad=True)
    values, places = Sort.apply(x)
    assert values.requires_grad and not places.requires_grad
    (values * lib.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


def test_mark_dirty(lib):
    class Double(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    leaf = lib.ones(2, requires_grad=True)
    x = leaf * 1
    y = Double.apply(x)
    assert y is x and x.tolist() == [2.0, 2.0]
    (x * x).sum().backward()
    assert leaf.grad.tolist() == [8.0, 8.0]
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        Double.apply(lib.ones(2, requires_grad=True))


def test_an_input_handed_through(lib):
    class Same(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    x = lib.ones(2, requires_grad=True)
    y = Same.apply(x)
    assert y is not x and y.data_ptr() == x.data_ptr()
    y.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


def test_once_differentiable(lib):
    class Square(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @lib.autograd.function.once_differentiable
        def backward(ctx, g):
            x, = ctx.saved_tensors
            return 2 * g * x

    x = lib.tensor([3.0], requires_grad=True)
    Square.apply(x).backward()
    assert x.grad.item() == 6.0
    y = x * 1
    g, = lib.autograd.grad(Square.apply(y), x, lib.ones(1, requires_grad=True), create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.backward()


def returning(lib, result):
    class Wrong(lib.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, g):
            return result(g)

    return Wrong


@pytest.mark.parametrize("result, message", [
    (lambda g: g, "returned an incorrect number of gradients"),
    (lambda g: (g, g, g), "returned an incorrect number of gradients"),
    (lambda g: (g[:1].expand(5), g), "returned an invalid gradient at index 0"),
])
def test_wrong_gradients(lib, result, message):
    a, b = lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=message):
        returning(lib, result).apply(a, b).sum().backward()


def test_gradients_of_the_wrong_type(lib):
    a, b = lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True)
    with pytest.raises((TypeError, RuntimeError)):
        returning(lib, lambda g: ("no", g)).apply(a, b).sum().backward()


def test_trailing_nones_and_broadcast_gradients(lib):
    a, b = lib.ones(2, requires_grad=True), lib.ones((), requires_grad=True)
    returning(lib, lambda g: (g, g, None)).apply(a, b).sum().backward()
    assert a.grad.tolist() == [1.0, 1.0] and b.grad.item() == 2.0


def test_saved_tensors_are_checked(lib):
    x = lib.ones(2, requires_grad=True)
    y = exp(lib).apply(x)
    with lib.no_grad():
        y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_second_backward_needs_retain_graph(lib):
    x = lib.ones(2, requires_grad=True)
    y = exp(lib).apply(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_instances_are_refused(lib):
    with pytest.raises((RuntimeError, TypeError, DeprecationWarning)):
        exp(lib)()(lib.ones(2))


def test_without_recording(lib):
    x = lib.ones(2, requires_grad=True)
    with lib.no_grad():
        assert not exp(lib).apply(x).requires_grad
    assert not exp(lib).apply(lib.ones(2)).requires_grad


def test_only_save_tensors(lib):
    class Wrong(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)
            return x * 1

    with pytest.raises(TypeError, match="can only save variables"):
        Wrong.apply(lib.ones(2, requires_grad=True))
