"""What a workload is, and the data that all of them draw."""
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    make: Callable          # make(lib) -> step; step() -> loss
    goal: float | None      # at least so many times torch's speed
    tolerance: float        # of the losses of the first steps, relative
    needs: tuple            # attributes of the library, dotted


WORKLOADS = {}


def workload(name, title, goal=None, tolerance=1e-4, needs=()):
    """Registers the function below it under `name`."""
    def register(make):
        WORKLOADS[name] = Workload(name, title, make, goal, tolerance, needs)
        return make
    return register


def missing(lib, names):
    """The first of the dotted names that the library lacks, or None."""
    for name in names:
        at = lib
        for part in name.split("."):
            at = getattr(at, part, None)
            if at is None:
                return name
    return None


def normal(*shape, seed, scale=1.0, dtype="float32"):
    import numpy as np
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(dtype)


def integers(high, *shape, seed):
    import numpy as np
    return np.random.default_rng(seed).integers(0, high, shape)


def initial(shapes, seed=100):
    """Parameters of the shapes: matrices scaled by their inputs, vectors small."""
    arrays = []
    for i, shape in enumerate(shapes):
        inputs = 1
        for size in shape[1:]:
            inputs *= size
        arrays.append(normal(*shape, seed=seed + i, scale=inputs ** -0.5 if len(shape) > 1 else 0.1))
    return arrays


def fill(lib, model, seed=100):
    """Gives a model the parameters of `initial`, in the order of `model.parameters()`; returns the model."""
    parameters = list(model.parameters())
    with lib.no_grad():
        for p, a in zip(parameters, initial([tuple(p.shape) for p in parameters], seed)):
            p.copy_(lib.from_numpy(a))
    return model
