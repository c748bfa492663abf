"""The tensor object itself: attributes, weak references, garbage collection, subclasses, buffers, copies and pickles."""
import copy
import gc
import io
import pickle
import weakref

import numpy as np
import pytest

import wengert

pytestmark = pytest.mark.engine


def leaf(lib, *values):
    return lib.tensor(list(values), requires_grad=True)


# ---- attributes ----

def test_attributes(lib):
    x = lib.ones(2)
    x.label, x.tags = "weights", ["a"]
    assert x.label == "weights" and x.__dict__ == {"label": "weights", "tags": ["a"]} and vars(x) is x.__dict__
    del x.label
    assert not hasattr(x, "label") and x.tags == ["a"]
    with pytest.raises(AttributeError):
        x.label


def test_attributes_do_not_carry_over(lib):
    x = lib.ones(2)
    x.tag = 1
    assert not any(hasattr(t, "tag") for t in (x * 1, x.detach(), x[0], x.view(2), x.clone(), x.data))


def test_attributes_of_computed_tensors_and_leaves_survive_writes(lib):
    x = leaf(lib, 1.0)
    y = x * 2
    x.tag, y.tag = "x", "y"
    y.mul_(3)
    with lib.no_grad():
        x.add_(1)
    y.sum().backward()
    assert (x.tag, y.tag) == ("x", "y")


def test_new_handles_have_no_attributes_of_dead_ones():
    import wengert as lib
    for k in range(100):
        x = lib.ones(1)
        assert not hasattr(x, "mark") and x.grad is None and not x.requires_grad and not x._is_view() and x._version == 0
        x.mark = k
        x.requires_grad_()
        (x * 2).backward()
        x.data.view(1).add_(1)
        del x


def test_dict_can_be_replaced(lib):
    x = lib.ones(1)
    x.__dict__ = {"a": 5}
    assert x.a == 5


def test_unknown_attribute(lib):
    with pytest.raises(AttributeError, match="object has no attribute 'nonsense'"):
        lib.ones(1).nonsense


@pytest.mark.parametrize("name", ["shape", "dtype", "is_leaf", "grad_fn", "ndim", "_version"])
def test_read_only_attributes(lib, name):
    with pytest.raises(AttributeError):
        setattr(lib.ones(1), name, 1)


# ---- identity ----

def test_tensors_hash_by_identity(lib):
    x, y = lib.ones(1), lib.ones(1)
    assert len({x, y, x}) == 2 and {x: 1}[x] == 1 and hash(x) == hash(x)


def test_handles_of_one_memory_are_different_objects(lib):
    x = lib.ones(2)
    assert x.detach() is not x and x.view(2) is not x and x.data is not x


# ---- weak references ----

def test_weak_reference(lib):
    x = lib.ones(2)
    died = []
    ref = weakref.ref(x, died.append)
    assert ref() is x
    del x
    assert ref() is None and died == [ref]


def test_weak_dictionaries(lib):
    x = lib.ones(2)
    values = weakref.WeakValueDictionary(x=x)
    assert values["x"] is x
    del x
    assert "x" not in values


def test_callback_may_make_tensors():
    import wengert as lib
    made = []
    for _ in range(50):
        x = lib.ones(1)
        keep = weakref.ref(x, lambda _: made.append(lib.ones(3) * 2))
        del x
        assert keep() is None
    assert len(made) == 50 and all(t.tolist() == [2.0] * 3 for t in made)


def test_weak_reference_of_a_leaf_in_a_graph(lib):
    x = leaf(lib, 1.0)
    y = (x * 2).sum()
    ref = weakref.ref(x)
    del x
    if lib.__name__ == "wengert":                          # a graph does not keep its leaves' handles alive
        assert ref() is None
    y.backward()


# ---- garbage collection ----

def cycle_by_attribute(lib):
    x = lib.ones(2)
    x.me = x
    return x


def cycle_of_two(lib):
    x, y = lib.ones(2), lib.ones(2)
    x.other, y.other = y, x
    return x


def cycle_by_grad(lib):
    x, y = lib.ones(2), lib.ones(2)
    x.grad, y.grad = y, x
    return x


def cycle_by_leaf_hook(lib):
    x = leaf(lib, 1.0)
    x.register_hook(lambda g: x)
    return x


def cycle_by_used_leaf_hook(lib):
    x = leaf(lib, 1.0)
    x.register_hook(lambda g: x and None)
    (x * 2).sum().backward()
    return x


def cycle_by_post_accumulate_hook(lib):
    x = leaf(lib, 1.0)
    x.register_post_accumulate_grad_hook(lambda p: x and None)
    (x * 2).sum().backward()
    return x


def cycle_by_hook_of_a_computed_tensor(lib):
    y = leaf(lib, 1.0) * 2
    y.register_hook(lambda g: y)
    return y


def cycle_by_context(lib):
    class Keep(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.out = x * 2
            return ctx.out

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return Keep.apply(leaf(lib, 1.0))


def cycle_by_subclass(lib):
    class Odd(lib.Tensor):
        pass

    x = lib.ones(2).as_subclass(Odd)
    x.me = x
    x.cls = Odd
    return x


CYCLES = [cycle_by_attribute, cycle_of_two, cycle_by_grad, cycle_by_leaf_hook, cycle_by_used_leaf_hook, cycle_by_post_accumulate_hook,
          cycle_by_hook_of_a_computed_tensor, cycle_by_context, cycle_by_subclass]


@pytest.mark.parametrize("make", CYCLES, ids=lambda f: f.__name__)
def test_cycles_are_collected(make, baseline):
    import wengert
    refs = [weakref.ref(make(wengert)) for _ in range(3)]
    gc.collect()
    assert [r() for r in refs] == [None] * 3


def test_cycle_in_use_is_not_collected(lib):
    x = cycle_by_leaf_hook(lib)
    y = cycle_by_attribute(lib)
    gc.collect()
    z = (x * 2).sum()
    gc.collect()
    assert x.requires_grad and y.me is y
    del x
    gc.collect()
    z.backward()


def test_collector_does_not_touch_a_graph_in_use(lib):
    x = leaf(lib, 1.0)
    y = x * 2
    y.register_hook(lambda g: y and None)
    y.extra = [x, y]
    gc.collect()
    y.sum().backward()
    assert x.grad.tolist() == [2.0]


def test_collector_and_local_subclasses():
    import wengert as lib

    def use():
        class Local(lib.Tensor):
            pass

        alive = [lib.ones(1).as_subclass(Local) for _ in range(100)]
        for t in alive:
            t.tag = 1
        for _ in range(3):
            gc.collect()
        assert all(type(t) is Local and t.tag == 1 for t in alive)
        return weakref.ref(Local)

    ref = use()
    gc.collect()
    gc.collect()
    assert ref() is None


def test_parameters_survive_collections():
    import wengert as lib
    ps = [lib.nn.Parameter(lib.ones(2)) for _ in range(200)]
    for _ in range(3):
        gc.collect()
    assert all(type(p) is lib.nn.Parameter and p.requires_grad for p in ps)
    del ps
    gc.collect()
    assert lib.nn.Parameter(lib.ones(1)).requires_grad


@pytest.mark.parametrize("kind", ["weak reference", "attribute", "slot"])
def test_a_dying_base_is_not_handed_out(kind):
    seen = []

    class Slotted(wengert.Tensor):
        __slots__ = ("kept",)

    class Asks:
        def __del__(self):
            seen.append(view._base)

    base = wengert.zeros(3).as_subclass(Slotted) if kind == "slot" else wengert.zeros(3)
    view = base[1:] if kind != "slot" else wengert.Tensor.__getitem__(base, slice(1, None))
    assert view._base is base
    if kind == "weak reference":
        ask = weakref.ref(base, lambda _: seen.append(view._base))
        assert ask() is base
    else:
        base.kept = Asks()
    del base
    gc.collect()
    assert [b.tolist() for b in seen] == [[0.0, 0.0, 0.0]] and view._base is seen[0]


def test_chain_of_grads_is_dropped_without_recursion(baseline):
    import wengert as lib
    x = first = lib.ones(1)
    for _ in range(200_000):
        x.grad = lib.ones(1)
        x = x.grad
    del x, first


def test_chain_of_attributes_is_dropped_without_recursion(baseline):
    import wengert as lib
    x = lib.ones(1)
    for _ in range(200_000):
        y = lib.ones(1)
        y.previous = x
        x = y
    del x, y


def test_chain_of_contexts_is_dropped_without_recursion(baseline):
    import wengert as lib

    class Keep(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.x = x
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g

    x = y = leaf(lib, 1.0)
    for _ in range(20_000):
        y = Keep.apply(y)
    y.sum().backward()
    assert x.grad.tolist() == [1.0]
    del x, y


# ---- subclasses ----

def test_results_are_of_the_subclass(lib):
    class Sub(lib.Tensor):
        pass

    s = lib.ones(2).as_subclass(Sub)
    assert all(type(t) is Sub for t in (s + 1, 1 + s, s * s, -s, s.exp(), s[0], s.view(2, 1), lib.ones(2) + s, lib.cat([s, s]), s.sum(), s > 0))
    a, b = s.split(1)
    assert type(a) is type(b) is Sub and type(s.detach()) is Sub and type(s.clone()) is Sub


def test_in_place_operations_keep_the_object(lib):
    class Sub(lib.Tensor):
        pass

    s = before = lib.ones(2).as_subclass(Sub)
    s += 1
    s.mul_(3)
    s[0] = 9
    assert s is before and s.tolist() == [9.0, 6.0] and type(s) is Sub


def test_gradients_through_a_subclass(lib):
    class Sub(lib.Tensor):
        pass

    x = leaf(lib, 1.0, 2.0)
    s = (x * 1).as_subclass(Sub)
    s.mul_(3)
    s[:1].mul_(5)
    s += s
    t = s * s.detach()
    t.sum().backward()
    assert x.grad.tolist() == [30.0 * 30.0 * 1, 6.0 * 6.0 * 2] and type(t) is Sub


def test_version_checks_through_a_subclass(lib):
    class Sub(lib.Tensor):
        pass

    x = leaf(lib, 1.0)
    s = (x * 1).as_subclass(Sub)
    t = s * s
    s.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        t.sum().backward()


def test_torch_function_sees_calls(lib):
    calls = []

    class Logged(lib.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            calls.append(getattr(func, "__name__", str(func)))
            return super().__torch_function__(func, types, args, kwargs or {})

    x = lib.ones(2).as_subclass(Logged)
    calls.clear()
    y = (x + 1).sum()
    assert type(y) is Logged and y.item() == 4.0
    assert [c.strip("_") for c in calls[:2]] == ["add", "sum"]


def test_torch_function_may_return_anything(lib):
    class Odd(lib.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return "mine"

    x = lib.ones(2).as_subclass(Odd)
    assert x + 1 == "mine" and lib.exp(x) == "mine" and lib.ones(2) * x == "mine" and lib.stack([x, x]) == "mine"


def test_torch_function_that_raises(lib):
    class Bad(lib.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise KeyError("no")

    x = lib.ones(2).as_subclass(Bad)
    for call in (lambda: x + 1, lambda: lib.exp(x), lambda: x.add_(1), lambda: x[0]):
        with pytest.raises(KeyError):
            call()


def test_torch_function_of_other_types(lib):
    class Duck:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return cls, func.__name__

    assert lib.exp(Duck()) == (Duck, "exp") and lib.add(lib.ones(1), Duck()) == (Duck, "add")
    assert lib.cat([lib.ones(1), Duck()]) == (Duck, "cat")


def test_torch_function_not_implemented(lib):
    class No:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return NotImplemented

    with pytest.raises(TypeError, match="(?i)no implementation found|all __torch_function__ handlers returned NotImplemented"):
        lib.exp(No())


def test_list_that_contains_itself_among_subclasses():
    import wengert as lib

    class Sub(lib.Tensor):
        pass

    loop = [lib.ones(1).as_subclass(Sub)]
    loop.append(loop)
    with pytest.raises((TypeError, RecursionError)):
        lib.stack(loop)


def test_parameter_results_are_plain(lib):
    p = lib.nn.Parameter(lib.ones(2))
    assert type(p * 2) is lib.Tensor and type(p.detach()) is lib.Tensor and p.requires_grad and p.is_leaf


def test_subclass_with_attributes_and_constructor(lib):
    class Named(lib.Tensor):
        @staticmethod
        def __new__(cls, data, name):
            return lib.Tensor._make_subclass(cls, data)

        def __init__(self, data, name):
            self.label = name

    n = Named(lib.ones(2), "x")
    assert type(n) is Named and n.label == "x" and n.tolist() == [1.0, 1.0]
    assert type(n + 1) is Named and not hasattr(n + 1, "label")


# ---- buffers ----

def test_buffer_keeps_memory_alive(baseline):
    import wengert as lib
    x = lib.arange(1000.0)
    view = memoryview(x)
    x.data = lib.zeros(5)
    del x
    assert view[999] == 999.0
    view.release()


def test_array_survives_what_happens_to_its_tensor():
    import wengert as lib
    for change in (lambda x: x.resize_(100_000), lambda x: setattr(x, "data", lib.zeros(1)), lambda x: x.set_(lib.zeros(3)),
                   lambda x: x.t_()):
        x = lib.arange(6.0).view(2, 3)
        a = np.asarray(x)
        change(x)
        for _ in range(10):
            lib.full((6,), -1.0)
        assert a.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_array_of_a_tensor_that_requires_grad(lib):
    x = leaf(lib, 1.0)
    for convert in (np.asarray, np.array, lambda t: t.numpy()):
        with pytest.raises(RuntimeError, match="Can't call numpy\\(\\) on Tensor that requires grad."):
            convert(x)
    assert np.asarray(x.detach()).tolist() == [1.0]


def test_array_shares_memory(lib):
    x = lib.zeros(3)
    a = x.numpy()
    a[0] = 5
    x[1] = 6
    assert x.tolist() == [5.0, 6.0, 0.0] and a.tolist() == [5.0, 6.0, 0.0]
    b = np.arange(3.0)
    y = lib.from_numpy(b)
    y[0] = 9
    assert b[0] == 9


def test_read_only_memory_is_not_written():
    import wengert as lib
    x = lib.frombuffer(b"abcd", dtype=lib.uint8)
    for write in (lambda: x.add_(1), lambda: x.zero_(), lambda: x.__setitem__(0, 1), lambda: x.random_(0, 5), lambda: x.copy_(lib.zeros(4))):
        with pytest.raises(RuntimeError, match="read-only"):
            write()
    assert bytes(memoryview(x)) == b"abcd"


# ---- copies ----

def test_deepcopy(lib):
    x = leaf(lib, 1.0, 2.0)
    (x * x).sum().backward()
    x.tag = ["a"]
    y = copy.deepcopy(x)
    assert y is not x and y.tolist() == x.tolist() and y.requires_grad and y.is_leaf and y.data_ptr() != x.data_ptr()
    assert y.grad.tolist() == [2.0, 4.0] and y.grad is not x.grad and y.tag == ["a"] and y.tag is not x.tag


def test_deepcopy_of_a_computed_tensor(lib):
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(leaf(lib, 1.0) * 2)


def test_deepcopy_keeps_identity_within_a_structure(lib):
    x = lib.ones(2)
    a, b = copy.deepcopy([x, x])
    assert a is b


def test_deepcopy_of_a_cycle():
    import wengert as lib
    x = lib.ones(2)                    # torch copies it twice
    x.me = x
    y = copy.deepcopy(x)
    assert y.me is y and y is not x


def test_shallow_copy(lib):
    x = leaf(lib, 1.0)
    y = copy.copy(x)
    assert y is not x and y.requires_grad and y.tolist() == [1.0]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(lib, protocol):
    x = lib.arange(6.0).view(2, 3).t()
    x.requires_grad_()
    x.tag = "kept"
    y = pickle.loads(pickle.dumps(x, protocol))
    assert y.tolist() == x.tolist() and y.dtype is x.dtype and y.requires_grad and y.is_leaf and y.tag == "kept"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
def test_pickle_of_dtypes_and_shapes(lib, dtype, shape):
    x = lib.ones(shape).to(getattr(lib, dtype))
    y = pickle.loads(pickle.dumps(x))
    assert y.tolist() == x.tolist() and y.dtype is x.dtype and tuple(y.shape) == shape


def test_pickle_of_a_computed_tensor():
    import wengert as lib
    with pytest.raises(RuntimeError, match="graph leaves"):
        pickle.dumps(leaf(lib, 1.0) * 2)


def test_pickle_of_a_parameter(lib):
    p = lib.nn.Parameter(lib.ones(2), requires_grad=False)
    q = pickle.loads(pickle.dumps(p))
    assert type(q) is type(p) and not q.requires_grad and q.tolist() == [1.0, 1.0]


def test_pickle_of_a_view_does_not_hold_the_whole_base():
    import wengert as lib
    assert len(pickle.dumps(lib.zeros(100_000)[:2])) < 1000


@pytest.mark.parametrize("damage", [lambda b: b[:-5], lambda b: b[:40], lambda b: b.replace(b"float32", b"float64"), lambda b: b"x" + b])
def test_damaged_pickle(damage):
    import wengert as lib
    data = damage(pickle.dumps(lib.arange(5.0)))
    with pytest.raises(Exception):
        pickle.load(io.BytesIO(data))


@pytest.mark.parametrize("other", [None, "x", 2, [1.0], object()])
def test_matrix_product_with_what_is_no_tensor(other):
    import wengert as lib

    for a in (lib.ones(2, 2), lib.nn.Parameter(lib.ones(2, 2))):
        with pytest.raises(TypeError):
            a @ other
        with pytest.raises(TypeError):
            other @ a
