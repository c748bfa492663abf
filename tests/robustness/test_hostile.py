"""What fuzz.py, reading and the sanitizers have found, each once: it crashed, hung or lied."""
import ctypes

import pytest

import wengert
from wengert import _core, nn

pytestmark = pytest.mark.engine


class Does:
    """An int that does something when it is asked for."""

    def __init__(self, action, value=1):
        self.action, self.value = action, value

    def __index__(self):
        self.action()
        return self.value


class Lying(wengert.Tensor):
    shape = property(lambda self: (7,) * 40)

    def contiguous(self, *args, **kwargs):
        return 3

    def detach(self):
        return None


def lying(x):
    return x.as_subclass(Lying)


# ---- arguments that change while they are read ----

def test_list_of_sizes_that_empties_itself():
    sizes = []
    sizes.extend([Does(sizes.clear)] + [1] * 70)
    with pytest.raises((RuntimeError, IndexError, TypeError)):
        wengert.ones(1).expand(sizes)


def test_slice_bound_that_changes_the_tensor():
    x = wengert.zeros(4, 3)

    def shrink():
        x.data = wengert.zeros(())
    with pytest.raises(IndexError):
        x[Does(shrink):2, ..., wengert.tensor([True, False, True])]


def test_attribute_of_a_layer_replaced_while_it_runs():
    layer = nn.LayerNorm(3)
    expected = layer(wengert.arange(3.0)).tolist()

    class Eps:
        def __float__(self):
            layer._parameters.clear()
            layer.__dict__.pop("weight", None)
            layer.__dict__.pop("bias", None)
            return 1e-5
    layer.eps = Eps()
    try:
        assert layer(wengert.arange(3.0)).tolist() == expected
    except TypeError:                                      # no number, says the parser: as good
        pass


# ---- sequences that never end, or cannot be ----

class Endless:
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return 1.0


class Huge(Endless):
    def __len__(self):
        return 2 ** 62


@pytest.mark.parametrize("data", [Endless(), Huge(), range(2 ** 62), [range(2 ** 40)] * 2], ids=["endless", "huge", "range", "ranges"])
def test_tensor_of_what_has_no_end(data):
    with pytest.raises((RuntimeError, MemoryError, ValueError)):
        wengert.tensor(data)


def test_index_by_a_range_of_any_length():
    with pytest.raises((RuntimeError, MemoryError)):
        wengert.zeros(3)[range(2 ** 62)]


# ---- absurd counts ----

def huge():
    return wengert.zeros(1).expand(2 ** 40)


@pytest.mark.parametrize("call", [
    lambda: huge().unbind(), lambda: huge().split(1), lambda: huge().chunk(2 ** 40), lambda: huge().tensor_split(2 ** 40), lambda: list(huge()),
    lambda: wengert.zeros(0, 3).chunk(2 ** 40), lambda: wengert.zeros(3).tensor_split(2 ** 63), lambda: huge().tolist(),
    lambda: wengert.vander(wengert.ones(3), 2 ** 63), lambda: wengert.tril_indices(2 ** 40, 2 ** 40), lambda: wengert.triu_indices(2 ** 40, 2 ** 40),
    lambda: wengert.ones(3).repeat_interleave(2 ** 40), lambda: wengert.ones(3).repeat_interleave(wengert.tensor([2 ** 62] * 3)), lambda: huge() + 1,
    lambda: nn.TransformerEncoder(nn.Identity(), 2 ** 40), lambda: nn.Sequential(nn.Identity()) * 2 ** 40, lambda: nn.LSTM(1, 1, num_layers=2 ** 40),
    lambda: wengert.randperm(2 ** 45), lambda: wengert.zeros(2 ** 45), lambda: wengert.combinations(wengert.zeros(0), 2 ** 40) + huge(),
    lambda: wengert.cartesian_prod(*[wengert.zeros(2 ** 10)] * 8), lambda: huge().repeat(3), lambda: wengert.eye(2 ** 30, 2 ** 30),
    lambda: nn.functional.interpolate(wengert.ones(1, 1, 3, 3), size=(2 ** 40, 2 ** 40), mode="bicubic", antialias=True)])
def test_absurd_counts_raise_at_once(call):
    with pytest.raises((MemoryError, RuntimeError, OverflowError)):
        call()


@pytest.mark.parametrize("shape", [(2 ** 40, 2 ** 40), (2 ** 31, 2 ** 31, 4), (0, 2 ** 62, 2 ** 62)])
def test_sizes_whose_product_overflows(shape):
    with pytest.raises(RuntimeError, match="overflow"):
        wengert.zeros(shape)
    with pytest.raises(RuntimeError, match="overflow"):
        wengert.zeros((0,) + (1,) * (len(shape) - 1) if 0 in shape else (1,)).expand(shape)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "amin", "argmax", "any", "var", "norm", "count_nonzero", "aminmax", "nonzero"])
def test_reductions_that_would_take_hours_are_refused(name):
    """No kernel looks for signals, so nothing could end them."""
    with pytest.raises((RuntimeError, MemoryError), match="memory|share 4 bytes"):
        getattr(wengert.zeros(1).expand(2 ** 50), name)()
    assert wengert.ones(1).expand(2 ** 20).sum().item() == 2 ** 20
    assert wengert.ones(0, 1).expand(0, 2 ** 50).sum().item() == 0


def test_ranges_are_written_along_one_dimension():
    for x in (wengert.zeros(3, 4), wengert.zeros(4, 3).t(), wengert.zeros(())):
        for fill in (_core.arange_into, _core.linspace_into):
            with pytest.raises(ValueError):
                fill(x, 0, 1)
    with pytest.raises(RuntimeError):
        _core.arange_into(huge(), 0, 1)
    x = wengert.zeros(6)
    _core.arange_into(x[::2], 1, 1)
    assert x.tolist() == [1, 0, 2, 0, 3, 0]


def test_filling_what_elements_share_costs_one_write():
    x = huge()
    x.fill_(2)
    x[None] = 3.0
    assert x[7].item() == 3.0
    x.zero_()
    assert x[2 ** 39].item() == 0.0
    x.fill_(wengert.tensor(4.0))
    assert x[5].item() == 4.0
    y = wengert.zeros(3, 1).expand(3, 4)
    y.fill_(5)
    assert y.tolist() == [[5.0] * 4] * 3


@pytest.mark.parametrize("row, col, offset", [(3, 3, 0), (4, 2, 1), (2, 5, -1), (0, 3, 0), (3, 0, 0), (3, 3, 2 ** 62), (3, 3, -2 ** 62)])
def test_indices_of_triangles(row, col, offset):
    low = [(i, j) for i in range(row) for j in range(col) if j <= i + offset]
    high = [(i, j) for i in range(row) for j in range(col) if j >= i + offset]
    assert wengert.tril_indices(row, col, offset).T.tolist() == [list(p) for p in low]
    assert wengert.triu_indices(row, col, offset).T.tolist() == [list(p) for p in high]


# ---- subclasses that lie about themselves ----

def test_the_core_asks_no_subclass_for_its_memory():
    x = lying(wengert.arange(6.0).reshape(2, 3).t())
    x.resize_(2, 2)
    assert _core.tolist(x) == [[0.0, 1.0], [2.0, 3.0]]  # as the bytes lie in memory
    assert _core.to_dlpack(lying(wengert.arange(3.0)), True) is not None
    assert wengert.Generator().set_state(lying(wengert.Generator().get_state())) is not None


def test_index_tensors_that_lie_about_their_shape():
    i, j = lying(wengert.tensor([0, 1])), lying(wengert.tensor([[1], [0]]))
    assert wengert.arange(4.0).reshape(2, 2)[i, j].tolist() == [[1.0, 3.0], [0.0, 2.0]]


def test_something_like_a_class():
    class Fake:
        __bases__ = (wengert.Tensor,)
    for make in (lambda: _core._make_subclass(Fake(), wengert.ones(2)), lambda: wengert.ones(2).as_subclass(Fake())):
        with pytest.raises(TypeError):
            make()


# ---- the smallest integer has no negative ----

def test_smallest_integer():
    x = wengert.tensor([1.5, -2.5])
    with pytest.raises(RuntimeError):
        nn.functional.pad(x, [-2 ** 63, 2 ** 63 - 1])
    x.round(decimals=-2 ** 63)                              # some number: as in PyTorch, none that means anything
    assert x.round(decimals=-1).tolist() == [0.0, -0.0]


def test_binomial_reads_no_further_than_its_probabilities():
    with pytest.raises(RuntimeError):
        wengert.random.binomial(wengert.full((3, 3), 5.0), wengert.zeros(2, 0, 4))
    with pytest.raises(RuntimeError):
        wengert.random.binomial(wengert.full((3,), 5.0), wengert.ones(3).double())
    assert wengert.random.binomial(wengert.full((2, 3), 5.0), wengert.ones(3)).tolist() == [[5.0] * 3] * 2


# ---- memory of others ----

def test_buffers_without_strides():
    x = _core.from_buffer_object((ctypes.c_float * 3)(1, 2, 3))
    assert x.tolist() == [1.0, 2.0, 3.0]
    assert _core.from_buffer_object(((ctypes.c_int32 * 3) * 2)((1, 2, 3), (4, 5, 6))).tolist() == [[1, 2, 3], [4, 5, 6]]


# ---- the core's own functions ----

def test_core_functions_check_what_they_are_given():
    x, g = wengert.zeros(3), wengert.Generator()
    with pytest.raises(ValueError):
        _core.random_fill("uniform", x, g, (x,) * 10, (0, 1))


def test_a_gradient_that_is_not_what_it_says():
    class Converts(wengert.Tensor):
        def to(self, *args):
            return wengert.ones(200)

        def sum_to_size(self, *args):
            return wengert.ones(200)

    y = wengert.ones(3, requires_grad=True).exp()
    for given in (wengert.ones(3).double(), wengert.ones(2, 3)):
        with pytest.raises(RuntimeError):
            y.backward(given.as_subclass(Converts))
    for bad in (None, 3):
        with pytest.raises((TypeError, AttributeError, RuntimeError)):
            wengert.autograd.grad(y, [bad], wengert.ones(3))
        with pytest.raises((TypeError, AttributeError, RuntimeError)):
            wengert.autograd.backward([bad], [wengert.ones(3)])
        with pytest.raises(TypeError):
            _core.zero_all([bad])


@pytest.mark.parametrize("kind", [int, object, "text", wengert.autograd.function.FunctionCtx])
def test_a_context_of_a_wrong_type(kind):
    class F(wengert.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = wengert.ones(2, requires_grad=True)
    F._ctx_type = kind
    try:
        F.apply(x).sum().backward()
    except (TypeError, AttributeError, RuntimeError):
        assert x.grad is None
    else:
        assert x.grad.tolist() == [2.0, 2.0]


def test_a_context_made_by_hand():
    context = wengert.autograd.function.FunctionCtx()
    context.save_for_backward(wengert.ones(2), None)
    assert context.saved_tensors == ()
    for bad in (lambda: context.save_for_backward(1), lambda: context.mark_dirty.__self__.missing):
        with pytest.raises((TypeError, AttributeError)):
            bad()


def test_backward_from_the_death_of_its_leaf():
    """A weak reference's callback runs while the tensor is half gone: its gradient has nowhere to go."""
    import weakref
    for grad in (None, wengert.ones(8, 8)):
        w = wengert.ones(8, 8, requires_grad=True)
        other = wengert.ones(8, 8, requires_grad=True)
        w.grad = grad
        loss, called = (w @ other).sum(), []
        ref = weakref.ref(w, lambda _: (loss.backward(), called.append(1)))
        del w
        assert called == [1] and ref() is None
        assert (other.grad == 8).all()


def test_registries_are_dicts():
    for registry in (5, None, [], wengert.arange(3.0)):
        with pytest.raises(TypeError, match="a registry is a dict"):
            _core.set_entry(registry, "x", 1)


def test_indices_of_triangles_of_any_shape():
    import itertools
    for rows, columns, offset in itertools.product(range(5), range(5), range(-7, 8)):
        inside = [(i, j) for i in range(rows) for j in range(columns)]
        for upper in (False, True):
            expected = [(i, j) for i, j in inside if (j - i >= offset if upper else j - i <= offset)]
            assert _core.triangle_indices(rows, columns, offset, upper).t().tolist() == [list(place) for place in expected]
    for arguments in ((2 ** 40, 0, 0), (2 ** 62, 2 ** 40, -2 ** 62), (2 ** 40, 2 ** 40, -2 ** 63)):
        assert _core.triangle_indices(*arguments, False).shape[1] <= 1
