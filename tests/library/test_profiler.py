"""The profiler: what is seen, how often, within what; schedules and tables as PyTorch's."""
import gzip
import json
import warnings

import pytest

import wengert
import wengert.profiler

torch = pytest.importorskip("torch")


def step(lib, profiler):
    lib.manual_seed(0)
    m = lib.nn.Sequential(lib.nn.Linear(4, 3), lib.nn.ReLU())
    optimizer = lib.optim.Adam(m.parameters())
    with profiler.profile(record_shapes=True, profile_memory=True) as prof:
        with profiler.record_function("forward"):
            y = m(lib.ones(2, 4))
            with profiler.record_function("loss"):
                loss = y.sum()
        loss.backward()
        optimizer.step()
    return prof, [p.grad.tolist() for p in m.parameters()]


def test_what_a_step_is_made_of():
    ours, grads = step(wengert, wengert.profiler)
    theirs, expected = step(torch, __import__("torch.profiler").profiler)
    assert grads == expected
    by_name = {e.key: e for e in ours.key_averages()}
    for e in theirs.key_averages():
        if e.key in ("forward", "loss", "aten::linear", "aten::relu", "Optimizer.step#Adam.step") or "evaluate_function" in e.key and "Acc" not in e.key \
                and "TBack" not in e.key:
            assert by_name[e.key].count == e.count, e.key
    forward = by_name["forward"]
    assert forward.cpu_time_total > by_name["loss"].cpu_time_total > by_name["aten::sum"].cpu_time_total > 0
    assert forward.self_cpu_time_total == pytest.approx(forward.cpu_time_total - sum(by_name[n].cpu_time_total for n in ("aten::linear", "aten::relu", "loss")))
    assert by_name["aten::linear"].cpu_memory_usage >= 24
    parents = {e.name: e.parent.name for e in ours.events() if e.parent}
    assert parents["aten::sum"] == "loss" and parents["loss"] == "forward" and parents["aten::linear"] == "forward"
    assert [e.input_shapes for e in ours.events() if e.name == "aten::linear"] == [[[2, 4], [3, 4], [3]]]
    assert ours.events()[0].name == "forward"


def test_nothing_goes_on_afterwards():
    prof, _ = step(wengert, wengert.profiler)
    n = len(prof.events())
    x = wengert.ones(2, requires_grad=True)
    with wengert.profiler.record_function("label"):
        (x * 2).sum().backward()
    assert len(prof.events()) == n and not wengert.profiler._running
    with pytest.raises(ZeroDivisionError):
        with wengert.profiler.profile() as prof:
            x.exp()
            1 / 0
    assert [e.name for e in prof.events()] == ["aten::exp"] and not wengert.profiler._running
    assert not wengert.optim.optimizer._global_optimizer_pre_hooks


def test_gradients_and_errors_of_timed_sweeps():
    class Fails(wengert.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise KeyError("mine")

    x = wengert.ones(2, requires_grad=True)
    with wengert.profiler.profile() as prof:
        a, b = (x * 3).unbind()
        g, = wengert.autograd.grad(a * b, x, create_graph=True)
        g.sum().backward()
        with pytest.raises(KeyError, match="mine"):
            Fails.apply(x).sum().backward()
    assert g.tolist() == [9, 9] and x.grad.tolist() == [9, 9]
    assert any(e.name.endswith("FailsBackward") for e in prof.events())


def test_a_step_that_raises_ends():
    def closure():
        raise KeyError("mine")

    x = wengert.ones(2, requires_grad=True)
    optimizer = wengert.optim.SGD([x], lr=0.1)
    with wengert.profiler.profile() as prof:
        for _ in range(2):
            with pytest.raises(KeyError, match="mine"):
                optimizer.step(closure)
        optimizer.step()
        x.exp()
        with pytest.raises(KeyError, match="mine"):
            optimizer.step(closure)
    assert [(e.name, e.parent) for e in prof.events()] == [(name, None) for name in 3 * ["Optimizer.step#SGD.step"] + ["aten::exp", "Optimizer.step#SGD.step"]]
    assert all(e.end >= e.start for e in prof.events())
    with wengert.profiler.profile() as prof:
        x.exp()
    assert [e.parent for e in prof.events()] == [None]


@pytest.mark.parametrize("options", ["wait=1, warmup=1, active=2", "wait=1, warmup=1, active=2, repeat=1", "wait=0, warmup=1, active=1, skip_first=2",
                                     "wait=2, warmup=0, active=1, repeat=2", "wait=2, warmup=1, active=1, skip_first=1, skip_first_wait=1",
                                     "wait=-1, warmup=1, active=2", "wait=1, warmup=1, active=0"])
def test_schedules(options):
    import torch.profiler

    def run(profiler):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                f = eval(f"profiler.schedule({options})", {"profiler": profiler})
            except AssertionError as error:
                return str(error)
        return [f(i).name for i in range(12)], [str(w.message) for w in told]

    assert run(wengert.profiler) == run(torch.profiler)


def test_steps_and_traces(tmp_path):
    p, got = wengert.profiler, []

    def ready(prof):
        got.append((prof.step_num, [e.trace_name for e in prof.events()]))
        assert [(e.key, e.count) for e in prof.key_averages()] == [("ProfilerStep*", 2), ("aten::exp", 2)]
        assert [e.name for e in prof.events()][::2] == ["ProfilerStep*"] * 2
        p.tensorboard_trace_handler(str(tmp_path), "w", use_gzip=True)(prof)

    x = wengert.ones(2)
    with p.profile(schedule=p.schedule(wait=1, warmup=1, active=2, repeat=2), on_trace_ready=ready) as prof:
        for _ in range(9):
            x.exp()
            prof.step()
    names = ["ProfilerStep#%d", "aten::exp"]
    assert got == [(4, [names[0] % 2, names[1], names[0] % 3, names[1]]), (8, [names[0] % 6, names[1], names[0] % 7, names[1]])]
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2 and files[0].name.startswith("w.") and files[0].name.endswith(".pt.trace.json.gz")
    events = json.load(gzip.open(files[1], "rt"))["traceEvents"]
    assert [e["name"] for e in events] == got[1][1] and all(e["ph"] == "X" and e["dur"] >= 0 for e in events)


def test_collection_is_toggled():
    """torch counts as this does: what runs while nothing is collected is missing."""
    def run(lib, profiler):
        cpu, x = profiler.ProfilerActivity.CPU, lib.ones(2)
        with profiler.profile(activities=[cpu]) as prof:
            x.exp()
            prof.toggle_collection_dynamic(True, [cpu])
            prof.toggle_collection_dynamic(False, [profiler.ProfilerActivity.CUDA])
            x.sin()
            prof.toggle_collection_dynamic(False, [cpu])
            prof.toggle_collection_dynamic(False, {cpu})
            x.cos()
            prof.toggle_collection_dynamic(True, [cpu])
            x.tanh()
        prof.toggle_collection_dynamic(True, [cpu])
        x.cos()
        return sorted((e.key, e.count) for e in prof.key_averages())

    assert run(wengert, wengert.profiler) == run(torch, __import__("torch.profiler").profiler) == [("aten::exp", 1), ("aten::sin", 1), ("aten::tanh", 1)]
    assert not wengert.profiler._running


def test_tables():
    prof, _ = step(wengert, wengert.profiler)
    text = prof.key_averages(group_by_input_shape=True).table(sort_by="self_cpu_time_total", row_limit=3, header="H")
    lines = text.splitlines()
    assert lines[0] == "H" and lines[2].split() == ("Name Self CPU % Self CPU CPU total % CPU total CPU time avg CPU Mem Self CPU Mem # of Calls Input Shapes").split()
    assert len(lines) == 9 and lines[-2].startswith("-") and lines[-1].startswith("Self CPU time total: ")
    with pytest.raises(AttributeError):
        prof.key_averages().table(sort_by="nothing")
    assert "aten::linear" in str(prof.events()) and prof.key_averages().total_average().count == len(prof.events())
    with pytest.raises(NotImplementedError, match="cProfile"):
        prof.export_stacks("x")


def test_labels_of_functions_and_the_old_profiler():
    @wengert.profiler.record_function("f")
    def f(x):
        return x + 1

    with wengert.autograd.profiler.profile(use_cuda=False) as prof:
        assert f(1) == 2 and f(2) == 3
    assert [e.name for e in prof.function_events] == ["f", "f"]
    with wengert.autograd.profiler.profile(enabled=False) as prof:
        f(1)
    assert not prof.events()
