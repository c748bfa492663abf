"""The launches of a training step, written down and run again in C: the same bits as eager execution.

Operands and attributes are plain bytes, so the test needs no help from any op; internal memory is recycled and poisoned
before each replay, so nothing stale can be read.
"""
import pytest

import wengert
from wengert import _core, nn

pytestmark = pytest.mark.engine


def make(seed, optimizer):
    wengert.manual_seed(seed)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.LayerNorm(16), nn.Linear(16, 8), nn.GELU(), nn.Linear(8, 3))
    return model, optimizer(model.parameters())


def batch(seed):
    wengert.manual_seed(seed)
    return wengert.randn(10, 6), wengert.randint(0, 3, (10,))


#: Step counts and hyperparameters lie in memory that the launch reads, so each replay is the next step.
OPTIMIZERS = {
    "sgd": lambda p: wengert.optim.SGD(p, lr=0.1),
    "momentum": lambda p: wengert.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: wengert.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: wengert.optim.Adam(p, lr=0.01, weight_decay=0.01),
    "adamw": lambda p: wengert.optim.AdamW(p, lr=0.01, amsgrad=True),
    "rmsprop": lambda p: wengert.optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "adagrad": lambda p: wengert.optim.Adagrad(p, lr=0.05, lr_decay=0.1),
    "adadelta": lambda p: wengert.optim.Adadelta(p),
    "adamax": lambda p: wengert.optim.Adamax(p, lr=0.01),
    "nadam": lambda p: wengert.optim.NAdam(p, lr=0.01),
    "radam": lambda p: wengert.optim.RAdam(p, lr=0.01),
    "asgd": lambda p: wengert.optim.ASGD(p, lr=0.05, t0=3),
    "rprop": lambda p: wengert.optim.Rprop(p, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_step_replays_to_the_same_bits(name):
    eager, captured = make(1, OPTIMIZERS[name]), make(1, OPTIMIZERS[name])
    x, target = batch(2)

    def step(model, optimizer, x, target):
        optimizer.zero_grad(set_to_none=False)
        loss = nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    for model, optimizer in (eager, captured):              # warm up: gradients and optimizer state exist afterwards
        step(model, optimizer, *batch(3))
        step(model, optimizer, *batch(4))
    program = _core.Program()
    with program:
        loss = step(*captured, x, target)
        program.watch("loss", loss)
    expected = step(*eager, *batch(2))
    assert loss.item() == expected.item() and len(program) > 20
    del loss
    for seed in (5, 6, 7):
        fresh = batch(seed)
        expected = step(*eager, *fresh)
        x.copy_(fresh[0])
        target.copy_(fresh[1])
        _core.empty_cache()
        program.replay(poison=True)
        assert program.read("loss").item() == expected.item()
        for a, b in zip(eager[0].parameters(), captured[0].parameters()):
            assert a.tolist() == b.tolist() and a.grad.tolist() == b.grad.tolist()


@pytest.mark.parametrize("name", ("sgd", "adam", "adamw", "radam"))
def test_a_replay_reads_hyperparameters_that_changed(name):
    eager, captured = make(1, OPTIMIZERS[name]), make(1, OPTIMIZERS[name])
    schedules = [wengert.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5) for _, optimizer in (eager, captured)]
    x, target = batch(2)

    def step(model, optimizer):
        optimizer.zero_grad(set_to_none=False)
        nn.functional.cross_entropy(model(x), target).backward()
        optimizer.step()

    for _ in range(2):
        step(*eager)
        step(*captured)
    with _core.Program() as program:
        step(*captured)
    step(*eager)
    for _ in range(3):
        for schedule in schedules:
            schedule.step()
        step(*eager)
        captured[1]._write_hyperparameters()
        program.replay(poison=True)
        assert [p.tolist() for p in eager[0].parameters()] == [p.tolist() for p in captured[0].parameters()]


def test_a_program_captures_once_and_alone():
    program = _core.Program()
    with program:
        wengert.ones(3) * 2
        with pytest.raises(RuntimeError, match="already running"):
            _core.Program().__enter__()
    with pytest.raises(RuntimeError, match="once"):
        program.__enter__()
    program.replay()
    with pytest.raises(RuntimeError, match="nothing was captured"):
        _core.Program().replay()


def test_an_exception_ends_the_capture():
    with pytest.raises(ZeroDivisionError):
        with _core.Program():
            wengert.ones(3) * (1 // 0)
    with _core.Program() as program:
        wengert.ones(3) * 2
    assert len(program) >= 1
