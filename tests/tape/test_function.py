"""autograd.Function: contexts, double backward, and everything a user can get wrong."""
import gc

import pytest
from functions_of_tests import cube, function, leaf

pytestmark = pytest.mark.engine


# ---- the ordinary ----

def test_function(lib):
    x = leaf(lib, 1.0, 2.0)
    y = cube(lib).apply(x)
    assert y.tolist() == [1.0, 8.0] and y.requires_grad and y.grad_fn.name() == "MadeBackward"
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 12.0]


def test_double_backward(lib):
    x = leaf(lib, 2.0)
    g, = lib.autograd.grad(cube(lib).apply(x), x, create_graph=True)
    h, = lib.autograd.grad(g, x, create_graph=True)
    k, = lib.autograd.grad(h, x)
    assert (g.item(), h.item(), k.item()) == (12.0, 12.0, 6.0)


def test_forward_is_not_recorded(lib):
    seen = []

    def forward(ctx, x):
        y = x * 2
        seen.append((lib.is_grad_enabled(), y.requires_grad, x.requires_grad))
        return y

    function(lib, forward, lambda ctx, g: g).apply(leaf(lib, 1.0))
    assert seen == [(False, False, True)] and lib.is_grad_enabled()


def test_backward_is_recorded_only_with_create_graph(lib):
    seen = []

    def backward(ctx, g):
        seen.append(lib.is_grad_enabled())
        return g

    f = function(lib, lambda ctx, x: x * 1, backward)
    x = leaf(lib, 1.0)
    f.apply(x).backward()
    lib.autograd.grad(f.apply(x), x, create_graph=True)
    assert seen == [False, True]


def test_without_gradient(lib):
    y = cube(lib).apply(lib.ones(2))
    assert not y.requires_grad and y.grad_fn is None
    with lib.no_grad():
        assert not cube(lib).apply(leaf(lib, 1.0)).requires_grad


def test_needs_input_grad(lib):
    seen = []

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g if ctx.needs_input_grad[0] else None, None, g if ctx.needs_input_grad[2] else None

    f = function(lib, lambda ctx, x, n, w: x * n * w, backward)
    x, w = leaf(lib, 1.0), leaf(lib, 1.0)
    f.apply(x, 3, w.detach()).backward()
    f.apply(x.detach(), 3, w).backward()
    assert seen == [(True, False, False), (False, False, True)] and x.grad.tolist() == w.grad.tolist() == [1.0]


def test_several_outputs(lib):
    f = function(lib, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g * 2 + h * 3)
    x = leaf(lib, 1.0)
    y, z = f.apply(x)
    (y + z * 10).backward()
    assert x.grad.tolist() == [32.0]


def test_outputs_without_gradient_come_as_zeros(lib):
    seen = []

    def backward(ctx, g, h):
        seen.append((g.tolist(), h.tolist()))
        return g + h

    f = function(lib, lambda ctx, x: (x * 2, x * 3), backward)
    f.apply(leaf(lib, 1.0, 1.0))[0].sum().backward()
    assert seen == [([1.0, 1.0], [0.0, 0.0])]


def test_outputs_without_gradient_come_as_none_when_asked(lib):
    seen = []

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    def backward(ctx, g, h):
        seen.append((g is None, h is None))
        return h * 3

    x = leaf(lib, 1.0)
    function(lib, forward, backward).apply(x)[1].backward()
    assert seen == [(True, False)] and x.grad.tolist() == [3.0]


def test_outputs_that_are_no_tensors(lib):
    seen = []

    def backward(ctx, *grads):
        seen.append([g if g is None else g.tolist() for g in grads])
        return grads[1]

    f = function(lib, lambda ctx, x: (3, x * 2, None, "text"), backward)
    n, y, none, text = f.apply(leaf(lib, 1.0))
    assert (n, none, text) == (3, None, "text")
    y.backward()
    assert seen == [[None, [1.0], None, None]]


def test_arguments_that_are_no_tensors(lib):
    f = function(lib, lambda ctx, n, x, flag, names: x * n, lambda ctx, g: (None, g * 5, None, None))
    x = leaf(lib, 1.0)
    f.apply(2, x, True, ["a"]).backward()
    assert x.grad.tolist() == [5.0]


def test_tensors_inside_lists_are_not_looked_for(lib):
    f = function(lib, lambda ctx, xs: xs[0] * 2, lambda ctx, g: None)
    assert not f.apply([leaf(lib, 1.0)]).requires_grad


def test_more_nones_than_arguments(lib):
    f = function(lib, lambda ctx, x: x * 2, lambda ctx, g: (g, None, None))
    x = leaf(lib, 1.0)
    f.apply(x).backward()
    assert x.grad.tolist() == [1.0]


def test_none_as_gradient(lib):
    f = function(lib, lambda ctx, x, w: x * w, lambda ctx, g: (None, g))
    x, w = leaf(lib, 1.0), leaf(lib, 2.0)
    f.apply(x, w).backward()
    assert x.grad is None and w.grad.tolist() == [1.0]


def test_gradient_is_summed_down_and_cast(lib):
    f = function(lib, lambda ctx, x: x * 2, lambda ctx, g: lib.ones(3, 2, dtype=lib.float64))
    x = leaf(lib, 1.0, 1.0)
    f.apply(x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0] and x.grad.dtype is lib.float32


def test_same_tensor_as_two_arguments(lib):
    f = function(lib, lambda ctx, a, b: a * b.detach(), lambda ctx, g: (g * 2, g * 3))
    x = leaf(lib, 1.0)
    f.apply(x, x).backward()
    assert x.grad.tolist() == [5.0]


def test_attributes_of_the_context(lib):
    def forward(ctx, x, n):
        ctx.n = n
        return x * n

    f = function(lib, forward, lambda ctx, g: (g * ctx.n, None))
    x = leaf(lib, 1.0)
    y = f.apply(x, 7)
    assert y.grad_fn.n == 7
    y.backward()
    assert x.grad.tolist() == [7.0]


def test_setup_context(lib):
    class Mul(lib.autograd.Function):
        @staticmethod
        def forward(x, n):
            return x * n

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, n = inputs
            ctx.n = n
            ctx.save_for_backward(output)

        @staticmethod
        def backward(ctx, g):
            assert ctx.saved_tensors[0].tolist() == [6.0]
            return g * ctx.n, None

    x = leaf(lib, 2.0)
    Mul.apply(x, 3).backward()
    assert x.grad.tolist() == [3.0]


def test_function_inside_a_function(lib):
    inner = cube(lib)

    def backward(ctx, g):
        x, = ctx.saved_tensors
        with lib.enable_grad():
            x = x.detach().requires_grad_()
            inner.apply(x).sum().backward()
        return g * x.grad

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return inner.apply(x)

    x = leaf(lib, 2.0)
    function(lib, forward, backward).apply(x).backward()
    assert x.grad.tolist() == [12.0]


def test_once_differentiable(lib):
    from importlib import import_module
    once = import_module(lib.__name__ + ".autograd.function").once_differentiable
    f = function(lib, lambda ctx, x: x * 2, once(lambda ctx, g: g * 2))
    x = leaf(lib, 1.0)
    f.apply(x).backward()
    assert x.grad.tolist() == [2.0]
    g, = lib.autograd.grad((f.apply(x) * x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="trying to differentiate twice a function that was marked with @once_differentiable"):
        g.backward()


def test_hooks_of_its_node(lib):
    f = function(lib, lambda ctx, x, n: x * n, lambda ctx, g: (g * 2, None))
    x = leaf(lib, 1.0)
    y = f.apply(x, 5)
    seen = []
    y.grad_fn.register_prehook(lambda go: (go[0] * 10,))
    y.grad_fn.register_hook(lambda gi, go: seen.append(([g.tolist() for g in gi], [g.tolist() for g in go])))
    y.backward()
    assert seen == [([[20.0]], [[10.0]])] and x.grad.tolist() == [20.0]


# ---- mistakes ----

def made(lib, backward):
    return function(lib, lambda ctx, x, n, w: x * w.detach() * n, backward)


@pytest.mark.parametrize("backward, error, message", [
    (lambda lib, g: (g, None), RuntimeError, r"function MadeBackward returned an incorrect number of gradients \(expected 3, got 2\)"),
    (lambda lib, g: g, RuntimeError, r"function MadeBackward returned an incorrect number of gradients \(expected 3, got 1\)"),
    (lambda lib, g: None, RuntimeError, r"function MadeBackward returned an incorrect number of gradients \(expected 3, got 1\)"),
    (lambda lib, g: [g, None, g], RuntimeError, r"function MadeBackward returned an incorrect number of gradients \(expected 3, got 1\)"),
    (lambda lib, g: (g, None, g, g), RuntimeError, r"function MadeBackward returned an incorrect number of gradients \(expected 3, got 4\)"),
    (lambda lib, g: (g, g, g), RuntimeError, "function MadeBackward returned a gradient different than None at position 2, but the corresponding forward "
                                             "input was not a Variable"),
    (lambda lib, g: (1, None, g), RuntimeError, r"expected Variable or None \(got int\)"),
    (lambda lib, g: ("g", None, g), RuntimeError, r"expected Variable or None \(got str\)"),
    (lambda lib, g: (lib.ones(3), None, g), RuntimeError,
     r"Function MadeBackward returned an invalid gradient at index 0 - got \[3\] but expected shape compatible with \[2\]"),
    (lambda lib, g: (lib.ones(()), None, g), RuntimeError,
     r"Function MadeBackward returned an invalid gradient at index 0 - got \[\] but expected shape compatible with \[2\]"),
    (lambda lib, g: 1 / 0, ZeroDivisionError, "division by zero"),
])
def test_backward_that_is_wrong(lib, backward, error, message):
    x, w = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    y = made(lib, lambda ctx, g: backward(lib, g)).apply(x, 2, w)
    with pytest.raises(error, match=message):
        y.sum().backward()
    assert x.grad is None and w.grad is None and lib.is_grad_enabled()
    (x * w).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]


def test_forward_that_raises(lib):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        function(lib, forward, lambda ctx, g: g).apply(leaf(lib, 1.0))
    assert lib.is_grad_enabled()


def test_setup_context_that_raises(lib):
    f = function(lib, lambda x: x * 2, lambda ctx, g: g, setup_context=staticmethod(lambda ctx, inputs, output: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        f.apply(leaf(lib, 1.0))
    assert lib.is_grad_enabled()


@pytest.mark.parametrize("result", [None, 3, "text", [1, 2], {}])
def test_forward_that_returns_no_tensor(lib, result):
    assert function(lib, lambda ctx, x: result, lambda ctx, g: g).apply(leaf(lib, 1.0)) == result


def test_forward_that_returns_a_list(lib):
    y, = function(lib, lambda ctx, x: [x * 2], lambda ctx, g: g).apply(leaf(lib, 1.0))
    assert not y.requires_grad


def test_no_backward(lib):
    class Half(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    y = Half.apply(leaf(lib, 1.0))
    with pytest.raises(NotImplementedError, match="You must implement either the backward or vjp method for your custom autograd.Function"):
        y.backward()


def test_instances_are_refused(lib):
    with pytest.raises((RuntimeError, TypeError, DeprecationWarning)):
        cube(lib)()(lib.ones(2))


def test_no_forward(lib):
    with pytest.raises(NotImplementedError, match="You must implement the forward function for custom autograd.Function."):
        type("Empty", (lib.autograd.Function,), {}).apply(leaf(lib, 1.0))


def test_backward_that_drops_everything():
    import wengert as lib
    box = []

    def backward(ctx, g):
        box.clear()
        gc.collect()
        return g

    x = leaf(lib, 1.0)
    box.append(function(lib, lambda ctx, x: x * 2, backward).apply(x * 1).sum())
    box[0].backward()
    assert x.grad.tolist() == [1.0]


def test_backward_that_changes_its_context():
    import wengert as lib

    def backward(ctx, g):
        ctx.needs_input_grad = None
        ctx._saved = None
        ctx.materialize_grads = "x"
        return g

    x = leaf(lib, 1.0)
    function(lib, lambda ctx, x: x * 2, backward).apply(x).backward()
    assert x.grad.item() == 1.0                            # what the sweep needs of a context is out of reach


def test_many_arguments_and_results(lib):
    n = 300
    f = function(lib, lambda ctx, *xs: tuple(x * 2 for x in xs), lambda ctx, *gs: tuple(g * 2 for g in gs))
    xs = [leaf(lib, float(i)) for i in range(n)]
    ys = f.apply(*xs)
    lib.stack([y * i for i, y in enumerate(ys)]).sum().backward()
    assert [x.grad.item() for x in xs] == [2.0 * i for i in range(n)]


def test_context_type_of_a_derived_function(lib):
    class Base(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    class Derived(Base):
        @staticmethod
        def forward(ctx, x):
            return x * 3

    x = leaf(lib, 1.0)
    assert Base.apply(x).grad_fn.name() == "BaseBackward"
    y = Derived.apply(x)
    assert y.grad_fn.name() == "DerivedBackward" and y.item() == 3.0


def test_setup_context_takes_what_forward_returned(lib):
    class Scaled(lib.autograd.Function):
        @staticmethod
        def forward(x, factor):
            return x * factor, "text"

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.factor = inputs[1]
            assert output[1] == "text"

        @staticmethod
        def backward(ctx, g, none):
            assert none is None
            return g * ctx.factor, None

    x = leaf(lib, 2.0)
    y, text = Scaled.apply(x, 5.0)
    y.backward()
    assert (y.item(), text, x.grad.item()) == (10.0, "text", 5.0)
