"""Schedulers against torch: rates over many steps, resuming, state, errors and warnings."""

import copy
import math

import pytest
from like_torch import assert_same

import wengert


def optimizer_of(t, kind="SGD", groups=2, lr=0.5):
    options = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(t.optim, kind)(
        [{"params": [t.nn.Parameter(t.ones(1))], "lr": lr / (i + 1)} for i in range(groups)], lr=lr, **options
    )


SCHEDULERS = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda e: 0.9**e),
    "LambdaLR list": lambda s, o: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (1 + e)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.95),
    "StepLR": lambda s, o: s.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 9], 0.5),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.25, 4),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.2, 0.8, 6),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 8, 2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 5, 0.01),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.01),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.1, 1.0, 3),
    "CyclicLR options": lambda s, o: s.CyclicLR(o, [0.1, 0.2], [1.0, 2.0], 3, 5, "triangular2", base_momentum=0.5),
    "CyclicLR exp": lambda s, o: s.CyclicLR(o, 0.1, 1.0, 3, mode="exp_range", gamma=0.9, cycle_momentum=False),
    "CyclicLR function": lambda s, o: s.CyclicLR(o, 0.1, 1.0, 3, scale_fn=lambda x: 1 / x, scale_mode="cycle"),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 1.0, 16),
    "OneCycleLR options": lambda s, o: s.OneCycleLR(
        o, [1.0, 2.0], epochs=4, steps_per_epoch=4, anneal_strategy="linear", three_phase=True, div_factor=10
    ),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.5, 3), s.ExponentialLR(o, 0.9)]),
    "SequentialLR": lambda s, o: s.SequentialLR(o, [s.ConstantLR(o, 0.5, 3), s.ExponentialLR(o, 0.9)], [4]),
    "SequentialLR three": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, 1.0, 3), s.CosineAnnealingLR(o, 5), s.StepLR(o, 2)], [3, 9]
    ),
    "SequentialLR restarts": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, 1.0, 3), s.CosineAnnealingWarmRestarts(o, 4)], [3]
    ),
}


def rates(name, steps=14, kind="SGD", epochs=()):
    def program(t):
        optimizer = optimizer_of(t, kind)
        scheduler = SCHEDULERS[name](t.optim.lr_scheduler, optimizer)
        seen = []
        for i in range(steps):
            seen.append([g["lr"] for g in optimizer.param_groups])
            seen.append([g.get("momentum", g.get("betas")) for g in optimizer.param_groups])
            seen.append(list(scheduler.get_last_lr()))
            optimizer.step()
            if i < len(epochs):
                scheduler.step(epochs[i])
            else:
                scheduler.step()
        return t.tensor([math.nan if x is None else float(x) for row in seen for x in flat(row)], dtype=t.float64)

    return program


def flat(row):
    for x in row:
        if isinstance(x, tuple):
            yield from x
        else:
            yield x


@pytest.mark.parametrize("name", SCHEDULERS)
def test_rates(name):
    assert_same(rates(name), 1e-12)


@pytest.mark.parametrize("name", ["CyclicLR", "OneCycleLR", "StepLR"])
def test_rates_with_adam(name):
    assert_same(rates(name, kind="Adam"), 1e-12)


@pytest.mark.parametrize(
    "name",
    ["StepLR", "MultiStepLR", "LinearLR", "ConstantLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR", "LambdaLR"],
)
def test_epochs_given(name):
    assert_same(rates(name, epochs=[3, 4, 7, 2]), 1e-12)


@pytest.mark.parametrize("epochs", [[0.5, 1.25, 3.5], [7, 8], [-1]])
def test_warm_restarts_with_fractions(epochs):
    assert_same(rates("CosineAnnealingWarmRestarts", epochs=epochs), 1e-12)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_resuming_from_a_checkpoint(name):
    """A scheduler that loads the state of another goes on as that one does."""
    optimizer, twin = optimizer_of(wengert), optimizer_of(wengert)
    scheduler = SCHEDULERS[name](wengert.optim.lr_scheduler, optimizer)
    for _ in range(4):
        optimizer.step()
        scheduler.step()
    other = SCHEDULERS[name](wengert.optim.lr_scheduler, twin)
    twin.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    other.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    for _ in range(6):
        optimizer.step()
        scheduler.step()
        twin.step()
        other.step()
        assert [g["lr"] for g in twin.param_groups] == [g["lr"] for g in optimizer.param_groups]


def plateau(options, metrics):
    def program(t):
        optimizer = optimizer_of(t)
        scheduler = t.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        seen = []
        for m in metrics:
            scheduler.step(m)
            seen += [*(g["lr"] for g in optimizer.param_groups), *scheduler.get_last_lr(), scheduler.num_bad_epochs]
        return [t.tensor(seen, dtype=t.float64), scheduler.state_dict()["best"]]

    return program


METRICS = [5, 4, 4.1, 4.2, 4.0, 4.0, 3.9999, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"patience": 2, "cooldown": 2, "factor": 0.3},
        {"mode": "max", "patience": 1},
        {"patience": 0, "min_lr": [0.1, 0.05]},
        {"patience": 1, "threshold": 0.5, "threshold_mode": "abs"},
        {"patience": 1, "threshold": 0.1, "mode": "max", "threshold_mode": "abs"},
        {"patience": 0, "eps": 0.1},
    ],
    ids=str,
)
def test_reduce_on_plateau(options):
    assert_same(plateau(options, METRICS), 1e-12)


def order(t):
    optimizer = optimizer_of(t)
    scheduler = t.optim.lr_scheduler.StepLR(optimizer, 1)
    scheduler.step()
    optimizer.step()
    scheduler.step()
    return scheduler.get_last_lr()


PROGRAMS = {
    "wrong order": order,
    "no optimizer": lambda t: t.optim.lr_scheduler.StepLR(3, 1),
    "resume without initial_lr": lambda t: t.optim.lr_scheduler.StepLR(optimizer_of(t), 1, last_epoch=3),
    "get_lr outside": lambda t: t.optim.lr_scheduler.StepLR(optimizer_of(t), 2).get_lr(),
    "lambdas": lambda t: t.optim.lr_scheduler.LambdaLR(optimizer_of(t), [lambda e: 1]),
    "constant factor": lambda t: t.optim.lr_scheduler.ConstantLR(optimizer_of(t), 2.0),
    "linear start": lambda t: t.optim.lr_scheduler.LinearLR(optimizer_of(t), 0.0),
    "linear end": lambda t: t.optim.lr_scheduler.LinearLR(optimizer_of(t), 0.5, 2.0),
    "plateau factor": lambda t: t.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(t), factor=1.0),
    "plateau optimizer": lambda t: t.optim.lr_scheduler.ReduceLROnPlateau(3),
    "plateau mode": lambda t: t.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(t), mode="x"),
    "plateau threshold": lambda t: t.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(t), threshold_mode="x"),
    "plateau min_lr": lambda t: t.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(t), min_lr=[0.1]),
    "cyclic mode": lambda t: t.optim.lr_scheduler.CyclicLR(optimizer_of(t), 0.1, 1.0, mode="x"),
    "cyclic momentum": lambda t: t.optim.lr_scheduler.CyclicLR(
        t.optim.Rprop([t.nn.Parameter(t.ones(1))]), 0.1, 1.0
    ),
    "cyclic lengths": lambda t: t.optim.lr_scheduler.CyclicLR(optimizer_of(t), [0.1], 1.0),
    "one cycle steps": lambda t: t.optim.lr_scheduler.OneCycleLR(optimizer_of(t), 1.0),
    "one cycle negative": lambda t: t.optim.lr_scheduler.OneCycleLR(optimizer_of(t), 1.0, -3),
    "one cycle epochs": lambda t: t.optim.lr_scheduler.OneCycleLR(optimizer_of(t), 1.0, epochs=0, steps_per_epoch=3),
    "one cycle per epoch": lambda t: t.optim.lr_scheduler.OneCycleLR(
        optimizer_of(t), 1.0, epochs=2, steps_per_epoch=-3
    ),
    "one cycle pct": lambda t: t.optim.lr_scheduler.OneCycleLR(optimizer_of(t), 1.0, 9, pct_start=2),
    "one cycle strategy": lambda t: t.optim.lr_scheduler.OneCycleLR(optimizer_of(t), 1.0, 9, anneal_strategy="x"),
    "one cycle too far": lambda t: rates("OneCycleLR", 18)(t),
    "restarts T_0": lambda t: t.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer_of(t), 0),
    "restarts T_mult": lambda t: t.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer_of(t), 1, 1.5),
    "chained empty": lambda t: t.optim.lr_scheduler.ChainedScheduler([]),
    "sequential empty": lambda t: t.optim.lr_scheduler.SequentialLR(optimizer_of(t), [], []),
    "sequential milestones": lambda t: (
        lambda o: t.optim.lr_scheduler.SequentialLR(o, [t.optim.lr_scheduler.StepLR(o, 1)], [1])
    )(optimizer_of(t)),
    "chained plateau": lambda t: (
        lambda o: t.optim.lr_scheduler.ChainedScheduler([t.optim.lr_scheduler.ReduceLROnPlateau(o)])
    )(optimizer_of(t)),
    "tensor lr": lambda t: (
        lambda o: [t.optim.lr_scheduler.StepLR(o, 1), o.param_groups[0]["lr"]]
    )(t.optim.SGD([t.nn.Parameter(t.ones(1))], lr=t.tensor(0.5)))[1],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    def program(t):
        result = PROGRAMS[name](t)
        return None if "Scheduler" in type(result).__name__ or "LR" in type(result).__name__ else result

    assert_same(program, 1e-6)


def test_half_the_rate_every_two_epochs():
    optimizer = optimizer_of(wengert, groups=1, lr=1.0)
    scheduler = wengert.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    seen = []
    for _ in range(5):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert seen == [1.0, 1.0, 0.5, 0.5, 0.25]
