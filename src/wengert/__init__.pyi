"""What a type checker sees of wengert: the table's functions from the generated stubs, the rest from the modules."""
from typing import Any

from ._core import Generator as Generator, Tensor as Tensor, dtype as dtype
from ._generated.table_torch import *
from .composite.compare import *
from .composite.linalg import *
from .composite.math import *  # type: ignore[no-redef]
from .composite.reduce import *
from .composite.search import *
from .composite.shape import *  # type: ignore[no-redef]
from .creation import *
from .grad_mode import enable_grad as enable_grad, inference_mode as inference_mode, no_grad as no_grad
from .grad_mode import set_grad_enabled as set_grad_enabled
from .random import *
from .types import Size as Size, device as device, finfo as finfo, iinfo as iinfo

__version__: str
bool: dtype
uint8: dtype
int8: dtype
int16: dtype
short: dtype
int32: dtype
int: dtype
int64: dtype
long: dtype
float16: dtype
half: dtype
bfloat16: dtype
float32: dtype
float: dtype
float64: dtype
double: dtype

def matmul(input: Tensor, other: Tensor) -> Tensor: ...
def __getattr__(name: str) -> Any: ...
