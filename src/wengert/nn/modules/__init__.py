"""The layers, by kind."""

from . import activation, batchnorm, container, distance, dropout, flatten, linear, loss, normalization, rnn, sparse
from .activation import *
from .batchnorm import *
from .container import *
from .distance import *
from .dropout import *
from .flatten import *
from .linear import *
from .loss import *
from .module import Module
from .normalization import *
from .rnn import *
from .sparse import *

__all__ = ["Module"]
for _part in (activation, batchnorm, container, distance, dropout, flatten, linear, loss, normalization, rnn, sparse):
    __all__ += _part.__all__
