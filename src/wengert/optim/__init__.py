"""Optimizers and schedules of their learning rates: PyTorch's ``torch.optim`` over this package's tensors."""

from . import lr_scheduler
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .asgd import ASGD
from .lbfgs import LBFGS
from .muon import Muon
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD

__all__ = [
    "ASGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LBFGS",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGD",
    "lr_scheduler",
]


def __getattr__(name):
    if name == "swa_utils":                     # it needs nn, which optimizers do not
        from importlib import import_module
        return import_module(".swa_utils", __name__)
    if name == "SparseAdam":
        raise AttributeError("wengert has no optim.SparseAdam: gradients are dense, and Adam updates all rows")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
