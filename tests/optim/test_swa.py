"""optim.swa_utils against torch."""

import pytest
from like_torch import array, assert_same, filled


def swa(t):
    import importlib

    return importlib.import_module(t.__name__ + ".optim.swa_utils")


def averaged(t, steps=4, bn=True, **options):
    """A model trained for some steps, and what its average looks like."""
    u = swa(t)
    if "get" in options:
        name, arguments = options.pop("get")
        options["multi_avg_fn" if "multi" in name else "avg_fn"] = getattr(u, name)(*arguments)
    model = filled(t, t.nn.Sequential(t.nn.Linear(3, 4), t.nn.BatchNorm1d(4), t.nn.Linear(4, 1)))
    average = u.AveragedModel(model, **options)
    optimizer = t.optim.SGD(model.parameters(), lr=0.01)
    batches = [t.tensor(array(6, 3, seed=i)) for i in range(steps)]
    for x in batches:
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
        average.update_parameters(model)
    before = average.state_dict()
    u.update_bn([[x, 0] for x in batches], average)
    return before, average.state_dict(), average(batches[0]), average, average.training


AVERAGES = {
    "mean": {},
    "ema": {"get": ("get_ema_avg_fn", (0.9,))},
    "ema lists": {"get": ("get_ema_multi_avg_fn", (0.9,))},
    "ema of buffers": {"get": ("get_ema_multi_avg_fn", ()), "use_buffers": True},
    "mean by function": {"get": ("get_swa_avg_fn", ())},
    "mean by lists": {"get": ("get_swa_multi_avg_fn", ())},
    "mean of buffers": {"use_buffers": True},
    "own": {"avg_fn": lambda average, value, n: 0.5 * average + 0.5 * value},
    "on a device": {"device": "cpu"},
    "both": {"avg_fn": max, "multi_avg_fn": min},
    "decay": {"get": ("get_ema_avg_fn", (1.5,))},
    "decay lists": {"get": ("get_ema_multi_avg_fn", (-0.5,))},
}


@pytest.mark.parametrize("name", AVERAGES)
def test_averages(name):
    # weights 1/n are float32 in both, in another order of operations for lists
    assert_same(lambda t: averaged(t, **dict(AVERAGES[name])), 1e-7)


def test_update_bn_keeps_modes():
    def program(t):
        model = t.nn.Sequential(t.nn.BatchNorm1d(2, momentum=0.3), t.nn.Linear(2, 1)).eval()
        swa(t).update_bn([t.tensor(array(3, 2, seed=i), dtype=t.float32) for i in range(3)], model)
        swa(t).update_bn([t.ones(1)], t.nn.Linear(1, 1))
        return model[0].state_dict(), model[0].momentum, model.training

    assert_same(program, 1e-6)


def rates(t, steps=8, **options):
    ps = [t.nn.Parameter(t.ones(1)), t.nn.Parameter(t.ones(1))]
    optimizer = t.optim.SGD([{"params": ps[0], "lr": 0.5}, {"params": ps[1]}], lr=0.1)
    schedule = swa(t).SWALR(optimizer, **options)
    seen = []
    for i in range(steps):
        optimizer.step()
        schedule.step()
        seen.append(schedule.get_last_lr())
        if i == 3:
            state = schedule.state_dict()
            schedule = swa(t).SWALR(optimizer, **options)
            schedule.load_state_dict(state)
    return t.tensor(seen, dtype=t.float64), [g["swa_lr"] for g in optimizer.param_groups]


RATES = {
    "cos": {"swa_lr": 0.05, "anneal_epochs": 4},
    "linear": {"swa_lr": [0.05, 0.01], "anneal_epochs": 5, "anneal_strategy": "linear"},
    "at once": {"swa_lr": 0.05, "anneal_epochs": 0},
    "strategy": {"swa_lr": 0.05, "anneal_strategy": "x"},
    "epochs": {"swa_lr": 0.05, "anneal_epochs": -1},
    "epochs float": {"swa_lr": 0.05, "anneal_epochs": 1.5},
    "number of rates": {"swa_lr": [0.05]},
}


@pytest.mark.parametrize("name", RATES)
def test_rates(name):
    assert_same(lambda t: rates(t, **RATES[name]), 1e-12)
