"""Calls the structured kernels of csrc/kernels on NumPy arrays, without the runtime and without the package.

    from harness import Kernels, bf16, levels, modes

    kernels = Kernels("reduce.c", level="v3")         # compiled with the system compiler, once a session
    out = np.empty((4, 1), np.float32)
    kernels("sum", out, x, attrs=[[1]])                # outputs first; raises what the kernel failed with
    kernels.time("sum", out, x, attrs=[[1]])           # nanoseconds a call

Arrays are passed as they are: strides, offsets, broadcast (zero) strides and transposes included. bfloat16
arrays are `BF16`, a view on uint16. Attributes: bool, int, float, sequence of ints or None, as the
kernel documents them; a `Number` operand is a Python number.

`WENGERT_TEST_KEEP=1` leaves the library in build/test-kernels, for profilers and debuggers.
`WENGERT_TEST_SANITIZE=undefined` builds with UBSan; `address,undefined` also with ASan, for which Python
must run with libasan preloaded and `ASAN_OPTIONS=detect_leaks=0`.
"""
import ctypes
import functools
import hashlib
import importlib.util
import os
import pathlib
import platform
import shlex
import shutil
import subprocess

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CSRC = ROOT / "csrc"
MAX_DIMS = 24

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]

FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O3", "-fno-math-errno", "-fno-trapping-math",
         "-ffp-contract=off", "-fPIC", "-g1"]
LEVEL_FLAGS = {"base": [], "v2": ["-march=x86-64-v2"], "v3": ["-march=x86-64-v3"],
               "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}
MODES = {"whole": 0, "pieces": 1, "reversed": 2, "threads": 3}      # of wg_parallel_for in support.c

ERRORS = {1: RuntimeError, 2: TypeError, 3: ValueError, 4: IndexError, 5: MemoryError, 6: NotImplementedError}


class WgStorage(ctypes.Structure):
    _fields_ = [("refs", ctypes.c_int64), ("data", ctypes.c_void_p), ("nbytes", ctypes.c_int64),
                ("size_class", ctypes.c_int32), ("flags", ctypes.c_uint32), ("release", ctypes.c_void_p),
                ("owner", ctypes.c_void_p), ("next", ctypes.c_void_p), ("asked", ctypes.c_int64)]


class _NumberValue(ctypes.Union):
    _fields_ = [("f", ctypes.c_double), ("i", ctypes.c_int64)]


class WgArray(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("storage", ctypes.POINTER(WgStorage)), ("numel", ctypes.c_int64),
                ("dtype", ctypes.c_uint8), ("ndim", ctypes.c_uint8), ("contiguous", ctypes.c_uint8),
                ("is_number", ctypes.c_uint8), ("unused", ctypes.c_uint32), ("number", _NumberValue),
                ("shape", ctypes.c_int64 * MAX_DIMS), ("strides", ctypes.c_int64 * MAX_DIMS)]


class _AttrValue(ctypes.Union):
    _fields_ = [("i", ctypes.c_int64), ("f", ctypes.c_double), ("v", ctypes.POINTER(ctypes.c_int64)),
                ("p", ctypes.c_void_p)]


class WgAttr(ctypes.Structure):
    _anonymous_ = ["value"]
    _fields_ = [("value", _AttrValue), ("n", ctypes.c_uint32), ("tag", ctypes.c_uint8)]


class BF16(np.ndarray):
    """bfloat16 as NumPy sees it: a view on uint16 that remembers what its bits mean."""


class Number:
    """A Python number as operand: weak in promotion, held in the array itself."""

    def __init__(self, value):
        self.value = value


def bf16(x):
    """Rounds to the nearest bfloat16, ties to even; NaN stays NaN."""
    x = np.ascontiguousarray(x, dtype=np.float32).reshape(np.shape(x))
    bits = x.view(np.uint32)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(x), np.uint16(0x7FC0), rounded).astype(np.uint16).view(BF16)


def values(x):
    """The values of an array as NumPy can compute with them: float32 for bfloat16, else unchanged."""
    if not isinstance(x, BF16):
        return x
    return (np.asarray(x).astype(np.uint32) << 16).view(np.float32)


def cast(x, dtype):
    """`x` in the dtype with this name, bfloat16 included."""
    return bf16(np.asarray(x, dtype=np.float32)) if dtype == "bfloat16" else np.asarray(x).astype(dtype)


def empty(shape, dtype):
    """An array to write into, filled with a pattern that no test expects."""
    out = np.empty(shape, np.uint16).view(BF16) if dtype == "bfloat16" else np.empty(shape, dtype)
    out.view(np.uint8 if dtype == "bool" else out.dtype)[...] = 1 if dtype == "bool" else 77
    return out


def misaligned(x, offset=1):
    """A dense copy that begins `offset` elements behind a 64-byte boundary."""
    room = np.empty((x.size + offset) * x.itemsize + 64, np.uint8)
    start = -room.ctypes.data % 64 + offset * x.itemsize
    out = room[start:start + x.size * x.itemsize].view(x.dtype).reshape(x.shape)
    out[...] = x
    return out.view(type(x))


def strided(x, order=None):
    """The same values in other memory: every second element of a buffer, dimensions in a permuted order."""
    order = tuple(reversed(range(x.ndim))) if order is None else order
    room = np.zeros(tuple(2 * x.shape[d] + 1 for d in order), x.dtype)
    out = room[tuple(slice(1, 1 + 2 * x.shape[d], 2) for d in order)].transpose(np.argsort(order))
    out[...] = x
    return out.view(type(x))


def dtype_of(x):
    return "bfloat16" if isinstance(x, BF16) else x.dtype.name


def wg_array(x):
    """The wg_array over the memory of `x` (which must outlive it)."""
    a = WgArray()
    if isinstance(x, Number):
        kind = {bool: "bool", int: "int64", float: "float64"}[type(x.value)]
        a.numel, a.contiguous, a.is_number, a.dtype = 1, 1, 1, DTYPES.index(kind)
        if kind == "float64":
            a.number.f = x.value
        else:
            a.number.i = int(x.value)
        a.data = ctypes.addressof(a) + WgArray.number.offset
        return a
    if not isinstance(x, np.ndarray):
        raise TypeError(f"a kernel takes arrays, not {type(x).__name__}")
    a.data = x.ctypes.data
    a.numel, a.ndim, a.dtype = x.size, x.ndim, DTYPES.index(dtype_of(x))
    a.storage = ctypes.pointer(WgStorage(refs=1, data=x.ctypes.data, nbytes=x.nbytes))
    a.contiguous = bool(x.flags.c_contiguous or x.size <= 1)
    for d in range(x.ndim):
        if x.strides[d] % x.itemsize:
            raise ValueError("strides must be whole elements")
        a.shape[d] = x.shape[d]
        a.strides[d] = x.strides[d] // x.itemsize
    for d in range(x.ndim, MAX_DIMS):          # a kernel that looks beyond ndim shall notice
        a.shape[d] = a.strides[d] = -0x5555
    return a


def wg_attrs(attrs):
    out = (WgAttr * (len(attrs) + 8))()        # those behind the given ones are none: a call need not name what is off
    keep = []
    for slot, value in zip(out, attrs):
        if value is None:
            slot.tag = 0
        elif isinstance(value, (bool, np.bool_)):
            slot.i, slot.tag = int(value), 3
        elif isinstance(value, (int, np.integer)):
            slot.i, slot.tag = int(value), 1
        elif isinstance(value, (float, np.floating)):
            slot.f, slot.tag = float(value), 2
        else:
            ints = (ctypes.c_int64 * max(len(value), 1))(*value)
            keep.append(ints)
            slot.v, slot.n, slot.tag = ctypes.cast(ints, ctypes.POINTER(ctypes.c_int64)), len(value), 4
    return out, keep


def openblas():
    """The OpenBLAS that the package under test bundles; without importing the package, which would load it."""
    folder = pathlib.Path(importlib.util.find_spec("wengert").origin).parent / "_libs"
    return next(p for p in folder.iterdir() if p.name in ("libscipy_openblas.so", "libscipy_openblas.dylib"))


def compiler():
    cc = shlex.split(os.environ.get("CC", "cc"))
    return ["ccache", *cc] if shutil.which("ccache") and "ccache" not in cc[0] else cc


def _run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")


@functools.cache
def build(sources, level, defines=()):
    """Compiles kernel sources (names in csrc/kernels, or paths) for one level; returns the shared library."""
    sanitize = os.environ.get("WENGERT_TEST_SANITIZE", "")
    flags = [*FLAGS, f"-I{CSRC}", *defines]
    if sanitize:
        flags += [f"-fsanitize={sanitize}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    paths = [p if (p := CSRC / "kernels" / s).exists() else pathlib.Path(s) for s in sources]
    key = hashlib.sha256(repr((paths, level, flags, compiler())).encode()).hexdigest()[:12]
    folder = ROOT / "build" / "test-kernels" / f"{level}-{key}-{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        objects = []
        for path in [*paths, CSRC / "wg_types.c", CSRC / "wg_thread_state.c", HERE / "support.c"]:
            own = [*LEVEL_FLAGS[level], f"-DWG_ISA={level}"] if path in paths else []
            objects.append(folder / (path.stem + ".o"))
            _run([*compiler(), *flags, *own, "-c", path, "-o", objects[-1]])
        library = folder / "kernels.so"
        _run([*shlex.split(os.environ.get("CC", "cc")), "-shared", *flags, *objects, "-o", library, "-lm", "-lpthread"])
        return ctypes.CDLL(str(library))
    finally:
        if "WENGERT_TEST_KEEP" not in os.environ:
            shutil.rmtree(folder)


@functools.cache
def levels():
    """The ISA levels that this machine runs and its compiler builds, lowest first."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return ["base"]
    probe = build((), "base")
    return [level for level in ("v2", "v3", "v4") if probe.wg_test_cpu_has(level.encode())]


class Kernels:
    """The kernels of some sources at one ISA level (the highest that the machine has, by default)."""

    def __init__(self, *sources, level=None, defines=()):
        self.level = level or os.environ.get("WENGERT_TEST_LEVEL") or levels()[-1]
        self.lib = build(tuple(sources), self.level, tuple(defines))
        self.lib.wg_test_time.restype = ctypes.c_double
        self.lib.wg_test_sizeof.restype = ctypes.c_int64
        for what, kind in enumerate((WgArray, WgAttr, WgStorage)):
            if self.lib.wg_test_sizeof(what) != ctypes.sizeof(kind):
                raise RuntimeError(f"{kind.__name__} here and in wg_types.h differ in size")

    def function(self, name):
        return getattr(self.lib, f"wg_k_{name}_{self.level}")

    def _prepare(self, operands, attrs):
        arrays = [wg_array(x) if x is not None else None for x in operands]
        pointers = (ctypes.POINTER(WgArray) * max(len(arrays), 1))(
            *[ctypes.pointer(a) if a is not None else None for a in arrays])
        slots, keep = wg_attrs(attrs)
        return (pointers, len(arrays), slots), (arrays, keep)

    def raw(self, name, operands, attrs=()):
        """Calls a kernel and returns its status; the error is left for `error`."""
        arguments, keep = self._prepare(operands, attrs)
        return self.function(name)(*arguments)

    def error(self):
        text = ctypes.c_char_p()
        kind = self.lib.wg_error(ctypes.byref(text))
        return ERRORS[kind], text.value.decode()

    def __call__(self, name, *operands, attrs=(), mode="whole"):
        """Calls a kernel (outputs first) with wg_parallel_for in `mode`; raises its error."""
        before = self.scratch_live()
        ctypes.c_int.in_dll(self.lib, "wg_test_parallel_mode").value = MODES[mode]
        status = self.raw(name, operands, attrs)
        if self.scratch_live() != before:
            raise AssertionError(f"{name}: scratch memory taken and not put back")
        if status:
            kind, text = self.error()
            raise kind(text)
        return operands[0]

    def scratch_live(self):
        return ctypes.c_int64.in_dll(self.lib, "wg_test_scratch_live").value

    def fail_scratch(self, after=0):
        """The scratch request after the next `after` fails, as if memory were exhausted; -1: none does."""
        ctypes.c_int64.in_dll(self.lib, "wg_test_scratch_fail_after").value = after

    def time(self, name, *operands, attrs=(), calls=None, rounds=7):
        """Nanoseconds a call: minimum over rounds, about a millisecond each."""
        arguments, keep = self._prepare(operands, attrs)
        function = ctypes.cast(self.function(name), ctypes.c_void_p)
        timer = self.lib.wg_test_time

        def run(n, r):
            ns = timer(function, *arguments, ctypes.c_int64(n), ctypes.c_int(r))
            if ns < 0:
                kind, text = self.error()
                raise kind(text)
            return ns
        return run(calls or max(1, int(1e6 / max(run(3, 2), 1.0))), rounds)
