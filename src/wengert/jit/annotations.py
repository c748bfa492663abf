"""torch.jit.annotations: names of types that programs import from here; they are typing's."""
from typing import Any, Dict, List, Optional, Tuple, Union  # noqa: F401, UP035

from .. import Tensor  # noqa: F401
from ..futures import Future  # noqa: F401

__all__ = []
