"""Random programs of operations, views, writes and sweeps, run by wengert and by a naive engine side by side."""
import hypothesis.strategies as st
import naive_engine as naive
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

import wengert

pytestmark = pytest.mark.engine

SETTINGS = settings(max_examples=100, stateful_step_count=40, deadline=None, derandomize=True, database=None,
                    suppress_health_check=list(HealthCheck))
LARGEST = 20.0          # larger values are not computed with: sin and exp of them lose the digits that are compared
picks = st.one_of(st.integers(0, 3), st.integers(0, 999))
names = st.sampled_from(sorted(naive.UNARY))
numbers = st.sampled_from([-1.5, -0.5, 0.5, 2.0])
VIEWS = {       # name -> (smallest ndim, view of a tensor or of an array of positions)
    "t": (2, lambda x: x.T),
    "tail": (1, lambda x: x[1:]),
    "head": (1, lambda x: x[:2]),
    "step": (1, lambda x: x[::2]),
    "select": (1, lambda x: x[-1]),
    "column": (2, lambda x: x[:, 0]),
    "flat": (0, lambda x: x.reshape(-1)),
    "unsqueeze": (0, lambda x: x[None]),
}


def same(ours, theirs):
    """Asserts equality up to the rounding of sums taken in another order."""
    assert (ours is None) == (theirs is None), (ours, theirs)
    if ours is not None:
        scale = max(1.0, np.abs(theirs).max(initial=0.0))
        np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=1e-9, atol=1e-9 * scale)


def both(ours, theirs):
    """(result, result), or None where both raise; fails where one raises."""
    try:
        expected = theirs()
    except naive.Modified:
        with pytest.raises(RuntimeError, match="in-place operation|inplace operation"):
            ours()
        return None
    return ours(), expected


class SideBySide(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.pool = []          # (wengert tensor, naive tensor)
        self.swept = self.refused = 0

    def pick(self, i):
        """Small numbers, which are drawn most often, are the newest tensors: programs become deep."""
        return self.pool[-1 - i % len(self.pool)]

    def keep(self, ours, node):
        """Adds a computed tensor, unless it is too large, and tells whether it did."""
        same(ours, node.value)
        if node.value.size and np.abs(node.value).max() < LARGEST:
            self.pool.append((ours, naive.result(node)))
            return True
        return False

    def check(self):
        for ours, theirs in self.pool:
            assert ours.requires_grad == theirs.requires_grad
            same(ours, theirs.value)
            if theirs.is_leaf:
                same(ours.grad, theirs.grad)

    def clear(self):
        for ours, theirs in self.pool:
            if theirs.is_leaf:
                ours.grad = theirs.storage.grad = None

    @initialize()
    def start(self):
        self.new_leaf((3,), True, 1)

    @rule(shape=st.sampled_from([(), (3,), (2, 3)]), requires_grad=st.booleans(), seed=st.integers(0, 99))
    def new_leaf(self, shape, requires_grad, seed):
        value = np.random.default_rng(seed).uniform(-1.0, 1.0, shape)
        ours = wengert.tensor(value.tolist(), dtype=wengert.float64, requires_grad=requires_grad)
        self.pool.append((ours, naive.leaf(value, requires_grad)))

    @rule(i=picks, chain=st.lists(names, min_size=1, max_size=4))
    def unary(self, i, chain):
        """A chain of functions; every value between stays at hand."""
        x, x_naive = self.pick(i)
        for name in chain:
            node = naive.unary(name, x_naive.read())
            x = getattr(wengert, name)(x)
            if not self.keep(x, node):
                return
            x_naive = self.pool[-1][1]

    @rule(i=picks, name=names)
    def without_recording(self, i, name):
        x, x_naive = self.pick(i)
        with wengert.no_grad(), naive.recording(False):
            self.keep(getattr(wengert, name)(x), naive.unary(name, x_naive.read()))

    @rule(i=picks, name=names, of_result=st.booleans(), view=st.sampled_from([None, "t", "tail", "select"]), number=numbers)
    def overwrite_then_sweep(self, i, name, of_result, view, number):
        """Writes to the argument or to the result of a function and sweeps from what was computed with it."""
        x, x_naive = self.pick(i)
        y, node = getattr(wengert, name)(x), naive.unary(name, x_naive.read())
        if not self.keep(y, node):
            return
        y_naive = self.pool[-1][1]
        self.keep(y.clone(), naive.reshape(y_naive.read(), y_naive.index.shape))
        z, z_naive = self.pool[-1]
        self.scale(*((y, y_naive) if of_result else (x, x_naive)), number, view)
        self.sweep_from(z, z_naive)

    @rule(i=picks, j=picks, name=st.sampled_from(["add", "mul"]))
    def binary(self, i, j, name):
        (x, x_naive), (y, y_naive) = self.pick(i), self.pick(j)
        try:
            np.broadcast_shapes(tuple(x.shape), tuple(y.shape))
        except ValueError:
            return
        self.keep(getattr(wengert, name)(x, y), getattr(naive, name)(x_naive.read(), y_naive.read()))

    @rule(i=picks, j=picks)
    def matmul(self, i, j):
        """Of the first pair from (i, j) on that fits."""
        matrices = [p for p in self.pool if p[0].ndim == 2]
        fits = [(p, q) for p in matrices for q in matrices if p[0].shape[1] == q[0].shape[0]]
        if fits:
            (x, x_naive), (y, y_naive) = fits[(i * 1000 + j) % len(fits)]
            self.keep(x @ y, naive.matmul(x_naive.read(), y_naive.read()))

    @rule(i=picks, mean=st.booleans())
    def reduce(self, i, mean):
        x, x_naive = self.pick(i)
        node = naive.sum_to(x_naive.read(), ())
        self.keep(x.mean() if mean else x.sum(), naive.mul(node, naive.Node(1.0 / x_naive.index.size)) if mean else node)

    @rule(i=picks, name=st.sampled_from(sorted(VIEWS)))
    def view(self, i, name):
        x, x_naive = self.pick(i)
        ndim, of = VIEWS[name]
        if x.ndim >= ndim and (name != "flat" or x.is_contiguous()):
            y, y_naive = of(x) if name != "t" else x.t(), x_naive.view(of)
            if y_naive.index.size:
                self.pool.append((y, y_naive))

    @rule(i=picks)
    def detach(self, i):
        x, x_naive = self.pick(i)
        self.pool.append((x.detach(), x_naive.detach()))

    @rule(i=picks)
    def clone(self, i):
        x, x_naive = self.pick(i)
        self.keep(x.clone(), naive.reshape(x_naive.read(), x_naive.index.shape))

    def write(self, x, x_naive, node, ours):
        """Both write; what is written through a detached tensor is not recorded and has tests of its own."""
        if x_naive.detached or np.abs(node.value).max() >= LARGEST:
            return
        if both(ours, lambda: x_naive.assign(node)) is None:
            self.refused += 1
        same(x, x_naive.value)

    @rule(i=picks, number=numbers, view=st.sampled_from([None, "t", "tail", "select"]))
    def mul_number(self, i, number, view):
        self.scale(*self.pick(i), number, view)

    def scale(self, x, x_naive, number, view):
        if view is not None:
            ndim, of = VIEWS[view]
            if x.ndim < ndim or of(x_naive.index).size == 0:
                return
            x, x_naive = of(x) if view != "t" else x.t(), x_naive.view(of)
        self.write(x, x_naive, naive.mul(x_naive.read(), naive.Node(number)), lambda: x.mul_(number))

    @rule(i=picks, j=picks, name=st.sampled_from(["add_", "mul_", "setitem"]))
    def write_tensor(self, i, j, name):
        (x, x_naive), (y, y_naive) = self.pick(i), self.pick(j)
        if name == "setitem":
            if x.ndim == 0:
                return
            target, target_naive = x[1:3], x_naive.view(lambda index: index[1:3])
        else:
            target, target_naive = x, x_naive
        shapes = tuple(target_naive.index.shape), tuple(y_naive.index.shape)
        if 0 in shapes[0] or x_naive.storage is y_naive.storage or (name == "mul_" and y_naive.requires_grad):
            return              # a product with what the write destroys has tests of its own
        try:
            if np.broadcast_shapes(*shapes) != shapes[0]:
                return
        except ValueError:
            return
        if name == "setitem":
            self.write(target, target_naive, y_naive.read(), lambda: x.__setitem__(slice(1, 3), y))
        else:
            node = getattr(naive, name[:-1])(target_naive.read(), y_naive.read())
            self.write(target, target_naive, node, lambda: getattr(x, name)(y))

    @rule(i=picks)
    def delete(self, i):
        if len(self.pool) > 1:
            del self.pool[-1 - i % len(self.pool)]

    @rule()
    def drop_gradients(self):
        self.clear()

    @rule(i=picks)
    def backward(self, i):
        self.sweep_from(*self.pick(i))

    def sweep_from(self, x, x_naive):
        if not x_naive.requires_grad:
            return
        y, y_naive = x.sum(), naive.result(naive.sum_to(x_naive.read(), ()))
        for _ in range(2):
            outcome = both(lambda: y.backward(retain_graph=True), y_naive.backward)
            if outcome is None:
                self.refused += 1
                self.clear()    # which leaves were reached before the error is not specified
                break
            for ours, theirs in self.pool:
                if theirs.is_leaf and theirs.storage.state in outcome[1]:
                    g = outcome[1][theirs.storage.state]
                    theirs.storage.grad = g if theirs.storage.grad is None else theirs.storage.grad + g
            self.swept += 1
            self.check()

    @rule(i=picks, j=picks, twice=st.booleans())
    def grad(self, i, j, twice):
        inputs = [p for p in self.pool if p[1].base and p[1].requires_grad]
        if inputs:
            self.grad_of(*self.pick(i), *inputs[j % len(inputs)], twice)

    @rule(i=picks, chain=st.lists(names, min_size=1, max_size=3))
    def second_gradient(self, i, chain):
        """Of a chain of functions of a square, with respect to the tensor at its start."""
        x, x_naive = self.pick(i)
        if x_naive.base and self.keep(x * x, naive.mul(x_naive.read(), x_naive.read())):
            self.unary(0, chain)
            self.grad_of(*self.pool[-1], x, x_naive, True)

    def grad_of(self, y, y_naive, x, x_naive, twice):
        """autograd.grad() of the sum of y with respect to x; ``twice``: and of that gradient's squares."""
        if not y_naive.requires_grad or not x_naive.requires_grad:
            return
        root, node = y.sum(), naive.sum_to(y_naive.read(), ())
        state = x_naive.storage.state

        def naive_grad(of, on):
            with naive.recording(on):
                return naive.sweep(of, naive.Node(1.0), {state}).get(state)

        outcome = both(lambda: wengert.autograd.grad(root, [x], retain_graph=True, create_graph=twice, allow_unused=True)[0],
                       lambda: naive_grad(node, twice))
        if outcome is None:
            self.refused += 1
            return
        g, g_naive = outcome
        same(g, None if g_naive is None else g_naive.value[x_naive.index])
        if not twice or g is None:
            return
        assert g.requires_grad == g_naive.requires_grad
        if not g_naive.requires_grad:
            return
        root2, node2 = (g * g).sum(), naive.sum_to(naive.mul(g_naive, g_naive), ())
        outcome = both(lambda: wengert.autograd.grad(root2, [x], retain_graph=True, allow_unused=True)[0],
                       lambda: naive_grad(node2, False))
        if outcome is not None:
            h, h_naive = outcome
            same(h, None if h_naive is None else h_naive.value[x_naive.index])
            self.check()

    def teardown(self):
        self.check()


def test_random_programs():
    run_state_machine_as_test(SideBySide, settings=SETTINGS)


# ---- the checker notices errors ----

WITHOUT_SHRINKING = settings(SETTINGS, phases=[Phase.generate], print_blob=False, report_multiple_bugs=False)


@pytest.mark.parametrize("name", sorted(naive.UNARY))
def test_a_wrong_derivative_is_noticed(name, monkeypatch):
    function, adjoint, reads = naive.UNARY[name]
    monkeypatch.setitem(naive.UNARY, name, (function, lambda g, x, y: naive.mul(adjoint(g, x, y), naive.Node(1.0 + 1e-6)), reads))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        run_state_machine_as_test(SideBySide, settings=WITHOUT_SHRINKING)


def test_a_missing_version_check_is_noticed(monkeypatch):
    """Here the naive engine takes a value that was overwritten for intact, so only wengert raises."""
    monkeypatch.setattr(naive.Node, "intact", lambda self: True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        run_state_machine_as_test(SideBySide, settings=WITHOUT_SHRINKING)
