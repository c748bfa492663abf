"""OpenBLAS's sgemm called directly, without a library's tensors: the measure of `a @ b`."""
import ctypes
import pathlib
import re

VERSION = None
_sgemm = None


def load():
    """Opens the copy that wengert bundles (or scipy-openblas32's own), one thread."""
    global VERSION, _sgemm
    import importlib.util
    spec = importlib.util.find_spec("wengert")
    places = [pathlib.Path(spec.origin).parent / "_libs", pathlib.Path(spec.origin).parent.parent / "wengert.libs"]
    found = [path for place in places if place.is_dir() for path in place.glob("lib*openblas*")]
    if not found:
        raise OSError("no OpenBLAS beside wengert")
    library = ctypes.CDLL(str(found[0]))
    library.scipy_openblas_set_num_threads(1)
    library.scipy_openblas_get_config.restype = ctypes.c_char_p
    library.scipy_openblas_get_corename.restype = ctypes.c_char_p
    version = re.search(r"\d+(\.\d+)+", library.scipy_openblas_get_config().decode())
    VERSION = f"{version.group()} {library.scipy_openblas_get_corename().decode()}"
    _sgemm = library.scipy_cblas_sgemm


def sgemm(n):
    """A function that multiplies two square matrices, and what it writes."""
    import numpy as np
    a, b = (np.random.default_rng(seed).standard_normal((n, n)).astype("float32") for seed in (0, 1))
    c = np.empty((n, n), "float32")
    size, one, zero = ctypes.c_int(n), ctypes.c_float(1), ctypes.c_float(0)
    pointers = [ctypes.c_void_p(x.ctypes.data) for x in (a, b, c)]
    row_major, plain = 101, 111

    def call(keep=(a, b)):
        _sgemm(row_major, plain, plain, size, size, size, one, pointers[0], size, pointers[1], size, zero, pointers[2], size)
    return call, c


MICRO = {"sgemm": ("call, c = lib.sgemm(512)\n", "call()", "c[3, 5]")}
