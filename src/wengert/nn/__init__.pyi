"""What a type checker sees of wengert.nn: the layers, whose list the module makes when it runs."""
from typing import Any

from . import attention as attention, functional as functional, init as init, modules as modules, parameter as parameter, utils as utils
from .modules.activation import *
from .modules.adaptive import *
from .modules.attention import *
from .modules.batchnorm import *
from .modules.container import *
from .modules.conv import *
from .modules.distance import *
from .modules.dropout import *
from .modules.flatten import *
from .modules.fold import *
from .modules.lazy import *
from .modules.linear import *
from .modules.loss import *
from .modules.normalization import *
from .modules.padding import *
from .modules.pixelshuffle import *
from .modules.pooling import *
from .modules.rnn import *
from .modules.sparse import *
from .modules.transformer import *
from .modules.upsampling import *
from .modules.module import Module as Module
from .parallel import DataParallel as DataParallel
from .parameter import Buffer as Buffer, Parameter as Parameter
from .parameter import UninitializedBuffer as UninitializedBuffer, UninitializedParameter as UninitializedParameter

def __getattr__(name: str) -> Any: ...
