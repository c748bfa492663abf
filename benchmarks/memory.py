"""Loops whose memory must stay flat. worker.py runs each in a process of its own and reads the resident size."""
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Loop:
    title: str
    make: Callable          # make(lib) -> loop(steps)


def forwards(lib):
    """Recorded forwards that nobody calls backward on, the collector of cycles switched off."""
    import gc
    w = lib.ones(16, requires_grad=True)
    x = lib.ones(16)

    def loop(steps):
        gc.disable()
        try:
            for _ in range(steps):
                lib.tanh(x * w + 1.0).sum()
        finally:
            gc.enable()
    return loop


def training(lib):
    """Whole steps of a small network."""
    nn = lib.nn
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))
    x, y = lib.ones(8, 8), lib.zeros(8, 4)
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-3)

    def loop(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
    return loop


def running_loss(lib):
    """A training loop that sums its losses with gradients attached, and lets the sum go every 100 steps."""
    w = lib.ones(16, requires_grad=True)

    def loop(steps):
        total = 0.0
        for i in range(steps):
            loss = (w * 0.5).sum()
            loss.backward()
            w.grad = None
            total = loss.detach() + total if i % 100 else 0.0
    return loop


LOOPS = {
    "forwards": Loop("recorded forwards, no backward, gc off", forwards),
    "training": Loop("training steps of an MLP, Adam", training),
    "running_loss": Loop("backward and a running sum", running_loss),
}
