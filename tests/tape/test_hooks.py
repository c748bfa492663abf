"""Hooks of tensors, of nodes and of leaves; retain_grad."""
import gc
import weakref

import pytest

pytestmark = pytest.mark.engine


def leaf(lib, *values):
    return lib.tensor(list(values), requires_grad=True)


def graph(lib):
    """(x, y, z): y = 2 x, z = sum of y."""
    x = leaf(lib, 1.0, 2.0)
    y = x * 2
    return x, y, y.sum()


# ---- tensor hooks ----

def test_hook_sees_the_gradient(lib):
    x, y, z = graph(lib)
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    x.register_hook(lambda g: seen.append(g.tolist()))
    z.backward()
    assert seen == [[1.0, 1.0], [2.0, 2.0]]


def test_hook_replaces_the_gradient(lib):
    x, y, z = graph(lib)
    y.register_hook(lambda g: g * 10)
    z.backward()
    assert x.grad.tolist() == [20.0, 20.0]


def test_hook_of_a_leaf_replaces_the_gradient_once(lib):
    x = leaf(lib, 1.0)
    calls = []
    x.register_hook(lambda g: calls.append(g.tolist()) or g + 1)
    (x * 2 + x * 3).sum().backward()
    assert calls == [[5.0]] and x.grad.tolist() == [6.0]


def test_hook_of_the_root(lib):
    x, y, z = graph(lib)
    z.register_hook(lambda g: g * 7)
    z.backward()
    assert x.grad.tolist() == [14.0, 14.0]


def test_hooks_run_in_order_and_chain(lib):
    x, y, z = graph(lib)
    y.register_hook(lambda g: g + 1)
    y.register_hook(lambda g: g * 10)
    z.backward()
    assert x.grad.tolist() == [40.0, 40.0]


@pytest.mark.parametrize("of_leaf", [False, True])
def test_hooks_of_one_tensor_see_one_object(lib, of_leaf):
    """What one notes on the gradient, or on what it returns, the next can read; a library that explains models relies on it."""
    x, y, z = graph(lib)
    kept, seen = [], []
    tensor = x if of_leaf else y

    def replaces(g):
        g.note = "seen"
        new = g * 2
        new.note = "made"
        return new

    def reads(g):
        seen.append(g.note)
        assert g.requires_grad is False

    tensor.register_hook(lambda g: kept.append(g))
    tensor.register_hook(replaces)
    tensor.register_hook(reads)
    tensor.register_hook(reads)
    z.backward()
    assert kept[0].note == "seen" and seen == ["made", "made"] 


def test_hook_removed(lib):
    x, y, z = graph(lib)
    handle = y.register_hook(lambda g: g * 10)
    handle.remove()
    handle.remove()
    z.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_hook_removed_by_itself_while_running(lib):
    x, y, z = graph(lib)
    calls, handles = [], []
    handles.append(y.register_hook(lambda g: (calls.append(1), handles[0].remove())[0]))
    y.register_hook(lambda g: calls.append(2))
    z.backward(retain_graph=True)
    z.backward()
    assert calls == [1, 2, 2]


def test_hook_that_adds_a_hook(lib):
    x, y, z = graph(lib)
    calls = []
    y.register_hook(lambda g: y.register_hook(lambda g: calls.append(1)) and None)
    z.backward(retain_graph=True)
    assert calls == []
    z.backward()
    assert calls == [1]


def test_handle_as_context_manager(lib):
    x, y, z = graph(lib)
    with y.register_hook(lambda g: g * 10):
        z.backward(retain_graph=True)
    z.backward()
    assert x.grad.tolist() == [22.0, 22.0]


def test_hook_that_raises(lib):
    x, y, z = graph(lib)

    def hook(g):
        raise KeyError("from the hook")

    y.register_hook(hook)
    with pytest.raises(KeyError, match="from the hook"):
        z.backward()
    assert x.grad is None and lib.is_grad_enabled()


def test_hook_of_a_leaf_that_raises(lib):
    x, y, z = graph(lib)
    x.register_hook(lambda g: {}["missing"])
    with pytest.raises(KeyError):
        z.backward()
    assert x.grad is None


@pytest.mark.parametrize("result, error, message", [
    (lambda lib: "text", TypeError, "expected Variable, but hook returned 'str'"),
    (lambda lib: 3.0, TypeError, "expected Variable, but hook returned 'float'"),
    (lambda lib: lib.ones(3), RuntimeError, "hook 'hook' has changed the size of value"),
    (lambda lib: lib.ones(2, 1), RuntimeError, "hook 'hook' has changed the size of value"),
    (lambda lib: lib.ones(2, dtype=lib.float64), RuntimeError,
     r"hook 'hook' has changed the type of value \(was torch.FloatTensor got torch.DoubleTensor\)"),
    (lambda lib: lib.ones(2, dtype=lib.int64), RuntimeError, "hook 'hook' has changed the type of value"),
])
def test_hook_that_returns_something_else(lib, result, error, message):
    x, y, z = graph(lib)

    def hook(g):
        return result(lib)

    y.register_hook(hook)
    with pytest.raises(error, match=message):
        z.backward()
    assert x.grad is None


def test_hook_without_a_name(lib):
    x, y, z = graph(lib)

    class Hook:
        def __call__(self, g):
            return lib.ones(5)

    y.register_hook(Hook())
    with pytest.raises(RuntimeError, match="hook '<unknown>' has changed the size of value"):
        z.backward()


def test_hook_on_what_needs_no_gradient(lib):
    with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"):
        lib.ones(2).register_hook(print)


def test_hook_is_not_recorded_unless_asked(lib):
    x, y, z = graph(lib)
    modes = []
    y.register_hook(lambda g: modes.append((lib.is_grad_enabled(), g.requires_grad)))
    z.backward(retain_graph=True)
    lib.autograd.grad(z, x, create_graph=True)
    assert modes == [(False, False), (True, False)]


def test_hook_result_is_differentiated_with_create_graph(lib):
    x = leaf(lib, 3.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    g, = lib.autograd.grad(y, x, create_graph=True)       # 2 x * x
    assert g.tolist() == [18.0]
    assert lib.autograd.grad(g, x)[0].tolist() == [12.0]


def test_hook_with_grad_mode_switched_inside_does_not_leak(lib):
    x, y, z = graph(lib)
    y.register_hook(lambda g: lib.set_grad_enabled(True) and None)
    z.backward()
    assert lib.is_grad_enabled()
    with lib.no_grad():
        z = (leaf(lib, 1.0) * 2)
    assert not z.requires_grad


def test_hook_sees_the_sum_of_all_contributions(lib):
    x = leaf(lib, 1.0)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * 3 + y * 4).sum().backward()
    assert seen == [[7.0]]


def test_hook_keeps_the_gradient_unchanged_later(lib):
    x = leaf(lib, 1.0, 2.0)
    kept = []
    y = x * 2
    y.register_hook(kept.append)
    x.register_hook(kept.append)
    (y * 3).sum().backward(retain_graph=True)
    (y * 3).sum().backward()
    assert [g.tolist() for g in kept] == [[3.0, 3.0], [6.0, 6.0], [3.0, 3.0], [6.0, 6.0]]
    assert x.grad.tolist() == [12.0, 12.0]


def test_hooks_of_one_output_of_several():
    import wengert
    x = leaf(wengert, 1.0, 2.0, 3.0)
    a, b, c = (x * 1).split(1)
    calls = []
    a.register_hook(lambda g: calls.append("a"))
    b.register_hook(lambda g: g * 5)
    c.register_hook(lambda g: calls.append("c"))          # no gradient arrives: torch calls it with None
    (a + b).sum().backward()
    assert x.grad.tolist() == [1.0, 5.0, 0.0] and calls == ["a"]


def test_hook_registered_before_a_write_sees_the_gradient_of_the_old_value(lib):
    x = leaf(lib, 1.0)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(("old", g.tolist())))
    y.mul_(5)
    y.register_hook(lambda g: seen.append(("new", g.tolist())))
    y.sum().backward()
    assert seen == [("new", [1.0]), ("old", [5.0])]


def test_hook_in_grad(lib):
    x, y, z = graph(lib)
    y.register_hook(lambda g: g * 3)
    x.register_hook(lambda g: g * 10)
    assert lib.autograd.grad(z, y, retain_graph=True)[0].tolist() == [3.0, 3.0]
    assert lib.autograd.grad(z, x)[0].tolist() == [60.0, 60.0]


def test_hook_that_runs_a_backward_of_its_own(lib):
    x, y, z = graph(lib)
    w = leaf(lib, 4.0)
    seen = []

    def hook(g):
        with lib.enable_grad():
            (w * w).sum().backward()
        seen.append(w.grad.tolist())

    y.register_hook(hook)
    z.backward()
    assert seen == [[8.0]] and x.grad.tolist() == [2.0, 2.0]


def test_hook_that_sweeps_the_same_graph(lib):
    x, y, z = graph(lib)
    inner = []

    def hook(g):
        handle.remove()
        inner.append(lib.autograd.grad(z, x, retain_graph=True)[0].tolist())

    handle = y.register_hook(hook)
    z.backward()
    assert inner == [[2.0, 2.0]] and x.grad.tolist() == [2.0, 2.0]


def test_hook_sweeps_nest_deeply(lib):
    depth = 12
    x = leaf(lib, 1.0)
    levels = []

    def hook(g):
        if len(levels) < depth:
            levels.append(len(levels))
            with lib.enable_grad():
                y = x * 2
                y.register_hook(hook)
                y.sum().backward()

    y = x * 2
    y.register_hook(hook)
    y.sum().backward()
    assert levels == list(range(depth)) and x.grad.tolist() == [2.0 * (depth + 1)]


def test_hook_that_detaches_the_root(lib):
    x = leaf(lib, 2.0)
    z = (x * 3).exp().log().sum()
    z.register_hook(lambda g: z.detach_() and None)
    z.backward()
    assert x.grad.tolist() == pytest.approx([3.0], rel=1e-6) and not z.requires_grad


def test_hook_that_detaches_a_wanted_input(lib):
    x = leaf(lib, 2.0)
    y = x * 3
    z = (y + y).sum()
    z.register_hook(lambda g: y.detach_() and None)
    assert lib.autograd.grad(z, y)[0].tolist() == [2.0]


def test_hook_that_writes_into_the_root():
    import wengert
    x = leaf(wengert, 2.0)
    z = (x * 3).exp().log()

    def hook(g):
        with wengert.enable_grad():
            z.mul_(2)

    z.register_hook(hook)
    z.backward(wengert.ones(1))
    assert x.grad.tolist() == pytest.approx([3.0], rel=1e-6)


def test_hook_that_drops_the_leaf(lib):
    x = leaf(lib, 2.0)
    box = [x]
    z = (x * 3).sum()
    x.register_hook(lambda g: box.clear())
    del x
    z.backward()
    assert box == []


# ---- retain_grad ----

def test_retain_grad(lib):
    x, y, z = graph(lib)
    y.retain_grad()
    y.retain_grad()
    assert y.retains_grad
    z.backward()
    assert y.grad.tolist() == [1.0, 1.0] and x.grad.tolist() == [2.0, 2.0]


def test_retain_grad_accumulates(lib):
    x, y, z = graph(lib)
    y.retain_grad()
    z.backward(retain_graph=True)
    z.backward()
    assert y.grad.tolist() == [2.0, 2.0]


def test_retain_grad_sees_what_hooks_returned(lib):
    x, y, z = graph(lib)
    y.retain_grad()
    y.register_hook(lambda g: g * 5)
    z.backward()
    assert y.grad.tolist() == [5.0, 5.0]


def test_retain_grad_of_a_leaf_does_nothing(lib):
    x = leaf(lib, 1.0)
    x.retain_grad()
    assert not x.retains_grad


def test_retain_grad_of_what_needs_no_gradient(lib):
    with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_grad=False"):
        lib.ones(1).retain_grad()


def test_retain_grad_with_grad(lib):
    x, y, z = graph(lib)
    y.retain_grad()
    lib.autograd.grad(z, x)
    assert y.grad.tolist() == [1.0, 1.0]


def test_retain_grad_of_a_dropped_tensor(lib):
    x, y, z = graph(lib)
    y.retain_grad()
    del y
    z.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_retain_grad_follows_a_write(lib):
    x = leaf(lib, 1.0)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    assert y.retains_grad
    (y * 5).sum().backward()
    assert y.grad.tolist() == [5.0] and x.grad.tolist() == [30.0]


def test_retain_grad_follows_a_write_through_a_view(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x * 2
    y.retain_grad()
    y[:1].mul_(3)
    (y * 5).sum().backward()
    assert y.grad.tolist() == [5.0, 5.0] and x.grad.tolist() == [30.0, 10.0]


def test_retain_grad_does_not_share_memory_with_what_goes_on(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x + 0
    y.retain_grad()
    y.sum().backward()
    y.grad.mul_(100)
    assert x.grad.tolist() == [1.0, 1.0]


# ---- hooks after accumulation ----

def test_post_accumulate_hook(lib):
    x = leaf(lib, 1.0, 2.0)
    seen = []
    x.register_post_accumulate_grad_hook(lambda p: seen.append((p is x, p.grad.tolist())))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert seen == [(True, [2.0, 2.0]), (True, [4.0, 4.0])]


def test_post_accumulate_hook_runs_with_inputs(lib):
    x, y = leaf(lib, 1.0), leaf(lib, 1.0)
    seen = []
    x.register_post_accumulate_grad_hook(lambda p: seen.append("x"))
    y.register_post_accumulate_grad_hook(lambda p: seen.append("y"))
    (x * y).sum().backward(inputs=[x])
    assert seen == ["x"]


def test_post_accumulate_hook_does_not_run_with_grad(lib):
    x = leaf(lib, 1.0)
    seen = []
    x.register_post_accumulate_grad_hook(lambda p: seen.append("x"))
    lib.autograd.grad((x * 2).sum(), x)
    assert seen == []


def test_optimizer_in_the_backward_pass(lib):
    x = leaf(lib, 1.0)

    def step(p):
        with lib.no_grad():
            p.sub_(p.grad * 0.5)
        p.grad = None

    x.register_post_accumulate_grad_hook(step)
    for expected in (0.0, 0.0):
        (x * x).sum().backward()
        assert x.item() == expected and x.grad is None


def test_post_accumulate_hook_of_a_computed_tensor(lib):
    with pytest.raises(RuntimeError, match="post accumulate grad hooks cannot be registered on non-leaf tensors"):
        (leaf(lib, 1.0) * 2).register_post_accumulate_grad_hook(print)


def test_post_accumulate_hook_that_raises(lib):
    x = leaf(lib, 1.0)
    handle = x.register_post_accumulate_grad_hook(lambda p: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]
    handle.remove()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [4.0]


# ---- hooks of nodes ----

def test_node_hook_sees_gradients_of_inputs_and_outputs(lib):
    x, w = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    y = x * w
    seen = []
    y.grad_fn.register_hook(lambda gi, go: seen.append(([g.tolist() for g in gi], [g.tolist() for g in go])))
    (y * lib.tensor([1.0, 10.0])).sum().backward()
    assert seen == [([[3.0, 40.0], [1.0, 20.0]], [[1.0, 10.0]])]


def test_node_hook_gives_none_for_inputs_without_gradient(lib):
    x = leaf(lib, 1.0)
    y = x * lib.tensor([5.0])
    seen = []
    y.grad_fn.register_hook(lambda gi, go: seen.append(gi))
    y.sum().backward()
    assert len(seen[0]) == 2 and seen[0][0].tolist() == [5.0] and seen[0][1] is None


def test_node_hook_replaces_gradients(lib):
    x, w = leaf(lib, 1.0), leaf(lib, 3.0)
    y = x * w
    y.grad_fn.register_hook(lambda gi, go: (gi[0] * 100, gi[1]))
    y.sum().backward()
    assert x.grad.tolist() == [300.0] and w.grad.tolist() == [1.0]


def test_node_hook_may_drop_a_gradient(lib):
    x, w = leaf(lib, 1.0), leaf(lib, 3.0)
    y = x * w
    y.grad_fn.register_hook(lambda gi, go: (None, gi[1]))
    y.sum().backward()
    assert x.grad is None and w.grad.tolist() == [1.0]


def test_node_hooks_chain(lib):
    x = leaf(lib, 1.0)
    y = x * lib.tensor([2.0])
    y.grad_fn.register_hook(lambda gi, go: (gi[0] + 1, None))
    y.grad_fn.register_hook(lambda gi, go: (gi[0] * 10, None))
    y.sum().backward()
    assert x.grad.tolist() == [30.0]


@pytest.mark.parametrize("hook, error, message", [
    (lambda gi, go: gi[0], TypeError, "expected tuple, but hook returned 'Tensor'"),
    (lambda gi, go: list(gi), TypeError, "expected tuple, but hook returned 'list'"),
    (lambda gi, go: 3, TypeError, "expected tuple, but hook returned 'int'"),
    (lambda gi, go: (3, 3), TypeError, "expected Variable, but hook returned 'int'"),
    (lambda gi, go: (gi[0],), RuntimeError, r"hook '<lambda>' has returned an incorrect number of values \(got 1, but expected 2\)"),
    (lambda gi, go: (gi[0], gi[0]), RuntimeError, "can't replace a None gradient with a non-None value"),
    (lambda gi, go: (gi[0][:1], None), RuntimeError, "hook '<lambda>' has changed the size of value"),
    (lambda gi, go: (gi[0].double(), None), RuntimeError, "hook '<lambda>' has changed the type of value"),
])
def test_node_hook_that_returns_something_else(lib, hook, error, message):
    x = leaf(lib, 1.0, 2.0)
    y = x * lib.tensor([2.0, 2.0])
    y.grad_fn.register_hook(hook)
    with pytest.raises(error, match=message):
        y.sum().backward()
    assert x.grad is None


def test_node_hook_that_raises(lib):
    x = leaf(lib, 1.0)
    y = x * 2
    handle = y.grad_fn.register_hook(lambda gi, go: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.sum().backward(retain_graph=True)
    handle.remove()
    y.sum().backward()
    assert x.grad.tolist() == [2.0]


def test_node_hook_with_create_graph(lib):
    x = leaf(lib, 3.0)
    y = x * x
    y.grad_fn.register_hook(lambda gi, go: (gi[0] * x, gi[1] * x))
    g, = lib.autograd.grad(y, x, create_graph=True)       # 2 x * x
    assert g.tolist() == [18.0]
    assert lib.autograd.grad(g, x)[0].tolist() == [12.0]


def test_node_hook_spends_the_record(lib):
    x = leaf(lib, 3.0)
    y = x.exp()
    y.grad_fn.register_hook(lambda gi, go: None)
    y.sum().backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.sum().backward()


def test_node_hook_of_a_record_with_several_outputs(lib):
    x = leaf(lib, 1.0, 2.0)
    a, b = (x * 1).split(1)
    seen = []
    a.grad_fn.register_prehook(lambda go: seen.append([g if g is None else g.tolist() for g in go]))
    a.grad_fn.register_hook(lambda gi, go: seen.append([g.tolist() for g in gi]))
    a.sum().backward()
    assert seen == [[[1.0], None], [[1.0, 0.0]]]


def test_prehook_replaces_cotangents(lib):
    x = leaf(lib, 1.0)
    y = x * 2
    y.grad_fn.register_prehook(lambda go: (go[0] * 10,))
    y.sum().backward()
    assert x.grad.tolist() == [20.0]


@pytest.mark.parametrize("hook, error, message", [
    (lambda go: go[0], TypeError, "expected tuple, but hook returned 'Tensor'"),
    (lambda go: [go[0]], TypeError, "expected tuple, but hook returned 'list'"),
    (lambda go: (go[0], go[0]), RuntimeError, r"hook '<lambda>' has returned an incorrect number of values \(got 2, but expected 1\)"),
    (lambda go: (go[0][:1],), RuntimeError, "hook '<lambda>' has changed the size of value"),
    (lambda go: (go[0].double(),), RuntimeError, "hook '<lambda>' has changed the type of value"),
])
def test_prehook_that_returns_something_else(lib, hook, error, message):
    x = leaf(lib, 1.0, 2.0)
    y = x * 2
    y.grad_fn.register_prehook(hook)
    with pytest.raises(error, match=message):
        y.sum().backward()


def test_prehook_cannot_invent_a_cotangent(lib):
    x = leaf(lib, 1.0, 2.0)
    a, b = (x * 1).split(1)
    a.grad_fn.register_prehook(lambda go: (go[0], lib.ones(1)))
    with pytest.raises(RuntimeError, match="can't replace a None gradient with a non-None value"):
        a.sum().backward()


@pytest.mark.parametrize("compute", [
    lambda x: x * 2, lambda x: x.exp(), lambda x: x.sum(), lambda x: x @ x, lambda x: x.softmax(0), lambda x: x.sort()[0],
    lambda x: x.reshape(2, 1), lambda x: x.cumsum(0)], ids=["mul", "exp", "sum", "dot", "softmax", "sort", "reshape", "cumsum"])
def test_prehook_that_drops_the_cotangent(lib, compute):
    x = leaf(lib, 1.0, 2.0)
    y = compute(x)
    y.grad_fn.register_prehook(lambda go: (None,) * len(go))
    y.sum().backward()
    assert x.grad is None or x.grad.tolist() == [0.0, 0.0]


def test_order_of_hooks(lib):
    x, w = leaf(lib, 1.0), leaf(lib, 2.0)
    y = x * w
    order = []
    y.grad_fn.register_hook(lambda gi, go: order.append("post"))
    y.grad_fn.register_prehook(lambda go: order.append("pre"))
    y.register_hook(lambda g: order.append("tensor"))
    y.retain_grad()
    y.sum().backward()
    assert order == ["tensor", "pre", "post"]


def test_hooks_of_a_node_do_not_run_where_only_its_cotangent_is_wanted(lib):
    x = leaf(lib, 1.0)
    y = x * 2
    order = []
    y.grad_fn.register_hook(lambda gi, go: order.append("post"))
    y.grad_fn.register_prehook(lambda go: order.append("pre"))
    y.register_hook(lambda g: order.append("tensor"))
    lib.autograd.grad(y.sum(), y)
    assert order == ["tensor"]


def test_hooks_of_a_leafs_node(lib):
    x = leaf(lib, 1.0, 2.0)
    node = x.expand_as(x).grad_fn.next_functions[0][0]
    assert node.variable is x
    seen = []
    node.register_prehook(lambda go: seen.append(("pre", len(go), go[0].tolist())))
    node.register_hook(lambda gi, go: seen.append(("post", gi, go[0].tolist(), x.grad.tolist())))
    (x * 2).sum().backward()
    assert seen == [("pre", 1, [2.0, 2.0]), ("post", (), [2.0, 2.0], [2.0, 2.0])]


def test_prehook_of_a_leafs_node_replaces_the_gradient(lib):
    x = leaf(lib, 1.0)
    node = x.expand_as(x).grad_fn.next_functions[0][0]
    node.register_prehook(lambda go: (go[0] * 10,))
    (x * 2).sum().backward()
    assert x.grad.tolist() == [20.0]


def test_hooks_live_as_long_as_the_graph(lib):
    x, y, z = graph(lib)

    class Hook:
        def __call__(self, g):
            return g * 10

    hook = Hook()
    ref = weakref.ref(hook)
    y.register_hook(hook)
    del hook, y
    assert ref() is not None
    z.backward()
    assert x.grad.tolist() == [20.0, 20.0]
    del z
    gc.collect()
    assert ref() is None


def test_handle_with_a_high_number_is_restored_at_once(monkeypatch):
    """Its number may come from a file."""
    from collections import OrderedDict

    from wengert.utils.hooks import RemovableHandle
    monkeypatch.setattr(RemovableHandle, "next_id", RemovableHandle.next_id)
    hooks = OrderedDict()
    handle = RemovableHandle(hooks)
    handle.__setstate__((hooks, 2**60))
    assert handle.id == 2**60 and RemovableHandle(hooks).id == 2**60 + 1
