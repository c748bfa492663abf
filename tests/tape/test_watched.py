"""What watches records: hooks on saved tensors, anomaly detection, hooks on several gradients. Compared with torch."""
import contextlib
import re
import warnings

import pytest

import wengert
from wengert import _core

pytest.importorskip("torch")
from tests.like_torch import assert_same  # noqa: E402

pytestmark = pytest.mark.engine


def x2(t, *values):
    return t.tensor(values or (1.0, 2.0, 3.0), dtype=t.float64, requires_grad=True)


# ---- saved-tensor hooks ----

def log_hooks(t, log):
    def pack(x):
        log.append(("pack", x.tolist()))
        return x.tolist(), x.dtype

    def unpack(packed):
        log.append(("unpack", packed[0]))
        return t.tensor(packed[0], dtype=packed[1])
    return t.autograd.graph.saved_tensors_hooks(pack, unpack)


PROGRAMS = {
    "mul": lambda t, x, y: x * y,
    "square": lambda t, x, y: x * x,
    "exp": lambda t, x, y: x.exp(),
    "matmul": lambda t, x, y: x @ y,
    "where": lambda t, x, y: t.where(t.tensor([True, False, True]), x * 2.0, y.exp()),
    "gather": lambda t, x, y: x.gather(0, t.tensor([2, 0])),
    "softmax": lambda t, x, y: x.softmax(0) * y,
    "inplace": lambda t, x, y: (x * y).exp_(),
    "view": lambda t, x, y: (x * y).view(3, 1).tanh(),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_go_through_packed_values(name):
    def program(t):
        log = []
        x, y = x2(t), x2(t, 0.5, -1.0, 2.0)
        with log_hooks(t, log):
            z = PROGRAMS[name](t, x, y)
        packed = len(log)
        z.sum().backward()
        if name in ("mul", "square", "exp", "matmul", "inplace"):
            return x.grad, y.grad, sorted(map(str, log[:packed])), sorted(map(str, log[packed:]))
        return x.grad, y.grad, len(log) > packed                 # how often may differ: what is saved is an op's own affair
    assert_same(program, 1e-15)


def test_higher_derivatives_go_through_packed_values():
    def program(t):
        log = []
        x = x2(t)
        with log_hooks(t, log):
            y = x * x * x
            g, = t.autograd.grad(y.sum(), x, create_graph=True)
            gg, = t.autograd.grad(g.sum(), x)
        return g, gg
    assert_same(program, 1e-14)


def test_the_innermost_hooks_count_and_end_with_their_block():
    def program(t):
        log = []
        hooks = lambda name: t.autograd.graph.saved_tensors_hooks(lambda x: (log.append(name), x)[1], lambda x: x)  # noqa: E731
        x = x2(t)
        with hooks("outer"):
            with hooks("inner"):
                a = x.exp()
            b = x.exp()
        c = x.exp()
        (a + b + c).sum().backward()
        return log, x.grad
    assert_same(program, 1e-14)


def test_functions_save_through_hooks():
    def program(t):
        class Cube(t.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x ** 3
                ctx.save_for_backward(x, y)
                return y

            @staticmethod
            def backward(ctx, g):
                x, y = ctx.saved_tensors
                return g * 3 * x * x + 0 * y
        log = []
        x = x2(t)
        with log_hooks(t, log):
            y = Cube.apply(x)
        g, = t.autograd.grad(y.sum(), x, create_graph=True)
        gg, = t.autograd.grad(g.sum(), x)
        return g, gg, sorted(e[0] for e in log), log[0]
    assert_same(program, 1e-13)


def test_errors_of_hooks():
    def pack_fails(t):
        with t.autograd.graph.saved_tensors_hooks(lambda x: 1 // 0, lambda x: x):
            x2(t).exp()

    def unpack_fails(t):
        with t.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: 1 // 0):
            y = x2(t).exp()
        y.sum().backward()

    def pack_writes(t):
        with t.autograd.graph.saved_tensors_hooks(lambda x: x.add_(1), lambda x: x):
            x2(t).exp()

    def no_tensor(t):
        with t.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: 5):
            y = x2(t).exp()
        y.sum().backward()

    def twice(t):
        with t.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x):
            y = x2(t).exp()
        y.sum().backward()
        try:
            y.sum().backward()
        except RuntimeError as error:
            return str(error)[:80]

    for program in (pack_fails, unpack_fails, pack_writes, no_tensor, twice):
        assert_same(program)


def test_a_wrong_shape_from_unpack_is_refused():
    with wengert.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: wengert.ones(1000)):
        y = wengert.ones(3, requires_grad=True).exp()
    with pytest.raises(RuntimeError, match="shape"):
        y.sum().backward()


def test_hooks_may_compute_and_exceptions_leave_nothing():
    def pack(x):
        (x * x).sum().item()
        with wengert.enable_grad():
            z = x.clone().requires_grad_().exp()
            z.sum().backward()
        raise KeyError("stop")

    before = _core.memory_stats()["records"], _core._mode_word()
    x = wengert.ones(3, requires_grad=True)
    with pytest.raises(RecursionError):                         # enable_grad packs again
        with wengert.autograd.graph.saved_tensors_hooks(pack, lambda p: p):
            x.exp()
    assert (_core.memory_stats()["records"], _core._mode_word()) == before
    x.exp().sum().backward()
    assert x.grad is not None


def test_packed_objects_are_dropped_with_the_record_or_after_the_sweep():
    import weakref

    class Box:
        def __init__(self, x):
            self.x = x
    for swept in (False, True):
        boxes = []

        def pack(x):
            box = Box(x)
            boxes.append(weakref.ref(box))
            return box
        x = wengert.ones(3, requires_grad=True)
        with wengert.autograd.graph.saved_tensors_hooks(pack, lambda box: box.x):
            y = (x * x).exp().sum()
        assert boxes and all(b() is not None for b in boxes)
        if swept:
            y.backward()
        else:
            del y
        assert all(b() is None for b in boxes)


def test_hooks_are_refused_where_disabled():
    def program(t):
        with t.autograd.graph.disable_saved_tensors_hooks("not here"):
            with t.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x):
                pass

    def after(t):
        with t.autograd.graph.disable_saved_tensors_hooks("not here"):
            pass
        with t.autograd.graph.save_on_cpu(pin_memory=False):
            y = x2(t).exp()
        y.sum().backward()
        return y
    assert_same(program)
    assert_same(after, 1e-14)


def test_saved_tensors_may_be_written_where_that_is_allowed():
    def program(t):
        with t.autograd.graph.allow_mutation_on_saved_tensors():
            a = x2(t)
            b = a.clone()
            out = (b ** 2).sum()
            b.sin_()
            out.backward()
        return a.grad, b

    def nested(t):
        with t.autograd.graph.allow_mutation_on_saved_tensors():
            with t.autograd.graph.allow_mutation_on_saved_tensors():
                pass

    assert_same(program, 1e-14)
    assert_same(nested)
    with wengert.autograd.graph.allow_mutation_on_saved_tensors():
        y = wengert.ones(2, requires_grad=True).exp()
    with pytest.raises(RuntimeError, match="Trying to backward outside of the 'allow_mutation_on_saved_tensors'"):
        y.sum().backward()


def test_inputs_come_to_the_pack_hook_as_they_are():
    def program(t):
        seen = []

        def pack(x):
            seen.append((x is p, isinstance(x, t.nn.Parameter), x.requires_grad, x.grad_fn is not None and x.grad_fn.name()))
            return x.detach()
        p = t.nn.Parameter(t.ones(3, dtype=t.float64))
        y = p + 1
        with t.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
            (p * y).sum().backward()
        return sorted(seen, key=str), p.grad
    assert_same(program)


# ---- rows whose second derivative is composed of other rows: Note [Composed rows] ----

def second_derivative_of_lstm(*modes):
    wengert.manual_seed(0)
    layer = wengert.nn.LSTM(3, 4).double()
    x = wengert.randn(5, 2, 3, dtype=wengert.float64, requires_grad=True)
    with contextlib.ExitStack() as stack:
        for mode in modes:
            stack.enter_context(mode)
        g, = wengert.autograd.grad(layer(x)[0].square().sum(), x, create_graph=True)
        return [g.tolist(), *(h.tolist() for h in wengert.autograd.grad(g.square().sum(), [x, *layer.parameters()]))]


def test_composed_derivatives_are_watched():
    plain = second_derivative_of_lstm()
    assert second_derivative_of_lstm(wengert.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t)) == plain
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
        mode = wengert.autograd.detect_anomaly()
    assert second_derivative_of_lstm(mode) == plain


# ---- anomaly detection ----

def told(t, run):
    """The error of ``run`` and the warnings before it, without what depends on the library's own lines."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            run()
            result = None
        except Exception as error:
            result = type(error).__name__, str(error)
    texts = [re.sub(r" \(Triggered internally.*", "", str(w.message), flags=re.S) for w in caught]
    return result, [(text.splitlines() or [""])[0] for text in texts], ["mark_of_this_line" in text for text in texts]


ANOMALIES = {
    "nan": lambda t, x: (x * 0).sqrt() * 0,
    "function": lambda t, x: fails(t).apply(x),
    "fine": lambda t, x: x.exp(),
    "second output": lambda t, x: t.ones(3, dtype=t.float64) / (x * 0) * 0 * x,
}


def fails(t):
    class Fails(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise ValueError("planted")
    return Fails


@pytest.mark.parametrize("name", ANOMALIES)
@pytest.mark.parametrize("when", ("both", "backward", "no check", "off"))
def test_anomalies_are_found_and_located(name, when):
    def program(t):
        def run():
            x = x2(t)
            if when == "both":
                with t.autograd.detect_anomaly():
                    y = ANOMALIES[name](t, x)   # mark_of_this_line
                    y.sum().backward()
            elif when == "backward":
                y = ANOMALIES[name](t, x)
                with t.autograd.set_detect_anomaly(True):
                    y.sum().backward()
            elif when == "no check":
                with t.autograd.detect_anomaly(check_nan=False):
                    y = ANOMALIES[name](t, x)   # mark_of_this_line
                    y.sum().backward()
            else:
                with t.autograd.set_detect_anomaly(False):
                    y = ANOMALIES[name](t, x)
                    y.sum().backward()
        return told(t, run)
    assert_same(program)


def test_the_parent_of_a_derivative_is_told():
    def program(t):
        def run():
            x = x2(t)
            with t.autograd.set_detect_anomaly(True):
                y = (x * 0).sqrt().sum()             # its derivative is inf, that of the derivative nan
                g, = t.autograd.grad(y * t.tensor(1.0, dtype=t.float64), x, create_graph=True)
        return told(t, run)[0]

    def deep(t):
        x = x2(t)

        class Inner(fails(t)):
            pass

        class Outer(t.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 1

            @staticmethod
            def backward(ctx, g):
                return Inner.apply(g)

        def run():
            with t.autograd.set_detect_anomaly(True):
                g, = t.autograd.grad(Outer.apply(x * 2).pow(2).sum(), x, create_graph=True)
                g.sum().backward()
        result, first, marked = told(t, run)
        return result, [line for line in first if line], len(first)
    assert_same(program)
    assert_same(deep)


def test_anomaly_mode_is_switched_as_in_torch():
    def program(t):
        seen = [t.is_anomaly_enabled(), t.is_anomaly_check_nan_enabled()]
        t.autograd.set_detect_anomaly(True, check_nan=False)
        seen += [t.is_anomaly_enabled(), t.is_anomaly_check_nan_enabled()]
        with t.autograd.set_detect_anomaly(False):
            seen.append(t.is_anomaly_enabled())
        seen.append(t.is_anomaly_enabled())
        t.autograd.set_detect_anomaly(False)
        seen += [t.is_anomaly_enabled(), t.is_anomaly_check_nan_enabled()]
        return seen
    assert_same(program)


def test_nodes_keep_their_metadata():
    def program(t):
        y = x2(t).exp()
        y.grad_fn.metadata["mine"] = 5
        return y.grad_fn.metadata, y.grad_fn.next_functions[0][0].metadata
    assert_same(program)


def test_gradients_are_those_without_anomaly_detection():
    def program(t):
        t.manual_seed(0)
        model = t.nn.Sequential(t.nn.Linear(4, 5), t.nn.LayerNorm(5), t.nn.GELU(), t.nn.Linear(5, 2)).double()
        x = t.arange(12.0, dtype=t.float64).view(3, 4)
        with t.autograd.set_detect_anomaly(True):
            loss = t.nn.functional.cross_entropy(model(x), t.tensor([0, 1, 1]))
            loss.backward()
        return [p.grad for p in model.parameters()]
    assert_same(program, 1e-12)


# ---- several gradients, edges, versions ----

@pytest.mark.parametrize("mode", ("all", "any"))
def test_multi_grad_hooks(mode):
    def program(t):
        log = []
        a, b = x2(t), x2(t, 4.0, 5.0, 6.0)
        c, d = a * b, a + b

        def hook(grads):
            log.append([None if g is None else g.tolist() for g in grads] if mode == "all" else grads.tolist())
        handle = t.autograd.graph.register_multi_grad_hook((a, b, c, d), hook, mode=mode)
        c.sum().backward(retain_graph=True)
        c.sum().backward(inputs=(a,), retain_graph=True)
        (c + d).sum().backward(retain_graph=True)
        if mode == "any":
            t.autograd.grad(d.sum(), b, retain_graph=True)    # of leaves, mode "all" cannot tell in torch
        handle.remove()
        c.sum().backward()
        return log
    assert_same(program)


def test_multi_grad_hooks_refuse():
    def mode(t):
        t.autograd.graph.register_multi_grad_hook((x2(t),), print, mode="some")

    def no_grad(t):
        t.autograd.graph.register_multi_grad_hook((x2(t), t.ones(2)), print)

    assert_same(mode)
    assert_same(no_grad)


def test_gradient_edges_stand_for_tensors():
    def program(t):
        x = x2(t)
        y = x * 2
        z = y.exp()
        edge = t.autograd.graph.get_gradient_edge
        gy, gx = t.autograd.grad(z.sum(), (edge(y), edge(x)), retain_graph=True)
        from_edge = t.autograd.grad(edge(z), x, grad_outputs=t.ones(3, dtype=t.float64), retain_graph=True)
        t.autograd.backward(z.sum(), inputs=[edge(x)])
        return gy, gx, from_edge, x.grad, edge(y).output_nr, edge(y).node.name()

    def no_grad(t):
        t.autograd.graph.get_gradient_edge(t.ones(2))
    assert_same(program, 1e-13)
    assert_same(no_grad)


def test_versions_are_raised_by_hand():
    def program(t):
        x = x2(t)
        y = x.exp()
        version = y._version
        t.autograd.graph.increment_version(y)
        t.autograd.graph.increment_version([y, y])
        try:
            y.sum().backward()
            failed = False
        except RuntimeError as error:
            failed = "modified by an inplace operation" in str(error)
        return version, y._version, failed
    assert_same(program)
