"""The generator of csrc/wg_random.c as the tests of the random kernels hold it, and their kernels."""
import ctypes
import functools

import numpy as np

from harness import CSRC, Kernels

STATE_BYTES = 5056
GENERATOR_BYTES = 2560          # at least sizeof(wg_generator)


@functools.cache
def random_kernels(level, *defines):
    sources = sorted(path.name for path in (CSRC / "kernels").glob("random*.c"))
    return Kernels(*sources, str(CSRC / "wg_random.c"), level=level, defines=defines)


def _pointer(x):
    return ctypes.c_void_p(x.ctypes.data)


class Generator:
    """A wg_generator in a 64-byte aligned uint8 array, `state`, which is a kernel's last operand."""

    def __init__(self, kernels, seed):
        room = np.zeros(GENERATOR_BYTES + 64, np.uint8)
        start = -room.ctypes.data % 64
        self.kernels = kernels
        self.state = room[start:start + GENERATOR_BYTES]
        self.seed(seed)

    def seed(self, seed):
        self.kernels.lib.wg_generator_seed(_pointer(self.state), ctypes.c_uint64(seed))

    def get_state(self):
        blob = np.full(STATE_BYTES, 0xAA, np.uint8)
        self.kernels.lib.wg_generator_get_state(_pointer(self.state), _pointer(blob))
        return blob

    def set_state(self, blob):
        blob = np.ascontiguousarray(blob, np.uint8)
        if self.kernels.lib.wg_generator_set_state(_pointer(self.state), _pointer(blob), ctypes.c_int64(blob.size)):
            kind, text = self.kernels.error()
            raise kind(text)

    def __call__(self, name, y, *operands, attrs=()):
        """Fills `y` by the kernel random_<name> and returns it."""
        return self.kernels(f"random_{name}", y, *operands, self.state, attrs=attrs)
