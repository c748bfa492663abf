"""The scalar maths functions of csrc/kernels/wg_math*.h, as loops compiled at every ISA level of this machine.

Errors are in units in the last place of the exact result, which mpmath computes; float32 functions, for which a
double is exact enough, are held against NumPy's float64 where it has the function. tools/check_math.py runs the
float32 functions over all 2^32 inputs.
"""
import ctypes
import importlib.util
import math
import operator
import os
import re
import shlex
import subprocess

import mpmath
import numpy as np
import pytest
from harness import CSRC, FLAGS, LEVEL_FLAGS, build, levels
from mpmath import mp, mpf

LEVELS = levels()
DTYPES = {"f32": np.float32, "f64": np.float64, "i64": np.int64}
EASY = ("sin", "cos", "tan", "fmod", "remainder", "floor_divide")
EASY_I64 = ("floor_divide", "remainder")
inf, nan = math.inf, math.nan


# ---- the library: one loop a function ------------------------------------------------------------------------

UNARY = ("exp exp2 expm1 sigmoid silu gelu gelu_tanh gelu_slope ndtr tanh sinh cosh log log2 log10 log1p log1pexp softplus log_sigmoid asinh acosh atanh erf erfc "
         "erfinv sin cos tan asin acos atan lgamma digamma trigamma neg abs square reciprocal sqrt rsqrt floor ceil trunc round frac "
         "sign").split()
BINARY = ("atan2 hypot pow logaddexp xlogy copysign heaviside minimum maximum fmin fmax fmod remainder floor_divide").split()
PREDICATES = "isnan isinf isfinite signbit".split()
INT_UNARY = "neg abs sign square not".split()
INT_BINARY = ("add sub mul minimum maximum fmin fmax heaviside trunc_divide floor_divide remainder fmod pow lshift rshift "
              "and or xor").split()
CTYPE = {"f32": "float", "f64": "double", "i64": "int64_t"}


def loop_source(name, dtype, arity, result=None):
    t = CTYPE[dtype]
    args = ", ".join(f"{a}[i]" for a in "ab"[:arity])
    call = f"wg_{name}_{dtype}({args})"
    head = f"void loop_{name}_{dtype}(int64_t n, {result or t} *y, const {t} *a, const {t} *b) {{ (void)b; "
    if name in (EASY_I64 if dtype == "i64" else EASY) or name == "lgamma" and dtype == "f32":
        return (f"{head}WG_EASY_LOOP(n, wg_{name}_easy_{dtype}({args}), y[i] = wg_{name}_fast_{dtype}({args}), y[i] = {call}) }}\n"
                f"{head.replace('loop_', 'scalar_')}for (int64_t i = 0; i < n; i++) y[i] = {call}; }}")
    return f"{head}WG_VECTOR for (int64_t i = 0; i < n; i++) y[i] = {call}; }}"


def source():
    lines = ['#include "kernels/wg_math.h"']
    for dtype in ("f32", "f64"):
        lines += [loop_source(name, dtype, 1) for name in UNARY]
        lines += [loop_source(name, dtype, 2) for name in BINARY]
        lines += [loop_source(name, dtype, 1, "uint8_t") for name in PREDICATES]
    lines += [loop_source(name, "i64", 1) for name in INT_UNARY] + [loop_source(name, "i64", 2) for name in INT_BINARY]
    for name, to, of in (("f16_to_f32", "float", "uint16_t"), ("f32_to_f16", "uint16_t", "float"), ("bf16_to_f32", "float", "uint16_t"),
                         ("f32_to_bf16", "uint16_t", "float"), ("f64_to_i64", "int64_t", "double"), ("f32_to_i64", "int64_t", "float")):
        lines.append(f"void loop_{name}(int64_t n, {to} *y, const {of} *a, const {of} *b) {{ (void)b; "
                     f"WG_VECTOR for (int64_t i = 0; i < n; i++) y[i] = wg_{name}(a[i]); }}")
    for dtype in ("f32", "f64"):
        t = CTYPE[dtype]
        lines.append(f"void loop_nan_to_num_{dtype}(int64_t n, {t} *y, const {t} *a, const {t} *b) {{ "
                     f"WG_VECTOR for (int64_t i = 0; i < n; i++) y[i] = wg_nan_to_num_{dtype}(a[i], b[0], b[1], b[2]); }}")
    lines.append("int has_zero(int64_t n, const int64_t *y, int64_t step) { return wg_has_zero_i64(n, y, step); }")
    return "\n".join(lines) + "\n"


class Maths:
    """maths("exp_f32", x) runs the loop over a contiguous copy of x."""

    def __init__(self, level, path):
        self.level, self.lib = level, build((str(path),), level)

    def __call__(self, name, *args, out=None, prefix="loop"):
        args = [np.ascontiguousarray(a) for a in args]
        y = np.empty(args[0].shape, out or args[0].dtype)
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (y, args[0], args[-1])]
        getattr(self.lib, f"{prefix}_{name}")(ctypes.c_int64(y.size), *pointers)
        return y


@pytest.fixture(scope="session")
def math_source(tmp_path_factory):
    path = tmp_path_factory.mktemp("math") / "math_loops.c"
    path.write_text(source())
    return path


@pytest.fixture(scope="session")
def every_level(math_source):
    return {level: Maths(level, math_source) for level in LEVELS}


@pytest.fixture(params=LEVELS)
def maths(request, every_level):
    return every_level[request.param]


# ---- exact results -----------------------------------------------------------------------------------------------

def ulp_errors(dtype, y, exact):
    """|y - exact| in ulps of the exact result; inf where one is NaN or infinite and the other is not."""
    bits, low = (24, -149) if dtype == "f32" else (53, -1074)
    top = mpf(float(np.finfo(DTYPES[dtype]).max))
    errors = np.zeros(len(y))
    for i, (got, want) in enumerate(zip(y.tolist(), exact)):
        if mpmath.isnan(want) or math.isnan(got):
            errors[i] = 0 if mpmath.isnan(want) and math.isnan(got) else inf
        elif mpmath.isinf(want) or want == 0:
            errors[i] = 0 if got == want else inf
        elif math.isinf(got):
            errors[i] = 0.5 if abs(want) >= top and (got > 0) == (want > 0) else inf
        else:
            ulp = mpf(2) ** max(mpmath.frexp(want)[1] - bits, low)
            errors[i] = abs(got - want) / ulp
    return errors


def ulp_errors_f32(y, exact):
    """The same with exact results in float64, for many elements at once."""
    with np.errstate(all="ignore"):
        scale = np.ldexp(1.0, np.maximum(np.frexp(exact)[1] - 24, -149))
        errors = np.abs(y.astype(np.float64) - exact) / scale
        rounded = exact.astype(np.float32)
    same = (np.isnan(y) & np.isnan(exact)) | (y == rounded)
    return np.where(same & ~(np.isfinite(y) & np.isfinite(exact)), 0, np.where(np.isfinite(y) & np.isfinite(exact), errors, inf))


def from_mpmath(f):
    """f on each element, at 50 digits; arguments outside its domain and infinite results as C has them."""
    def exact(*columns):
        with mp.workdps(50):
            return [f(*(mpf(v) for v in row)) for row in zip(*(c.tolist() for c in columns))]
    return exact


def real(f, low=-inf, high=inf):
    """f on [low, high], NaN outside; complex results never arise."""
    return lambda x: f(x) if low <= x <= high else mpf(nan)


def erfinv(x):
    if abs(x) >= 1:
        return mpf(inf) * x if abs(x) == 1 else mpf(nan)
    a = abs(x)
    if a < mpf(10) ** -20:
        return mpmath.sqrt(mpmath.pi) / 2 * (x + mpmath.pi / 12 * x**3)
    w = -mpmath.log((1 - a) * (1 + a))
    y = mpmath.sqrt(w) if w > 3 else a * mpmath.sqrt(mpmath.pi) / 2
    for _ in range(200):
        step = (mpmath.log(mpmath.erfc(y)) - mpmath.log(1 - a)) * mpmath.erfc(y) * mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(y * y)
        y += step
        if abs(step) < mpf(10) ** -30 * y:
            return y if x > 0 else -y
    raise ArithmeticError("erfinv does not converge")


def erfc(x):
    return mpmath.erfc(x) if abs(x) < 1e4 else mpf(0 if x > 0 else 2)


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x)) if x > 0 else mpmath.exp(x) / (1 + mpmath.exp(x))


def ndtr(x):
    return erfc(-x / mpmath.sqrt(2)) / 2


def log1pexp(x):
    return mpmath.log1p(mpmath.exp(-abs(x)))


def digamma(x):
    if x == -inf or (x <= 0 and x == mpmath.floor(x)):
        return mpf(nan)
    return mpf(inf) if x == inf else mpmath.digamma(x)


def expm1(x):
    return mpmath.expm1(x) if abs(x) > mpf(10) ** -60 else x      # mpmath takes minutes for subnormal numbers


def log1p(x):
    return mpmath.log1p(x) if abs(x) > mpf(10) ** -60 else x


def small(f):
    """f with f(x) = x + O(x^3): x itself where that is exact beyond 50 digits."""
    return lambda x: f(x) if abs(x) > mpf(10) ** -30 else x


positive = (0, inf)

#: name: (exact, errors allowed in ulp for float32 and float64, interval of the usual arguments). The figures are those
#: measured (exhaustively for float32, at the worst level), rounded up.
ACCURACY = {
    "exp": (lambda x: mpmath.exp(x), 1.0, .6, (-20, 20)),
    "exp2": (lambda x: mpf(2) ** x, 1.1, 1.1, (-20, 20)),
    "expm1": (expm1, 1.6, .9, (-4, 4)),
    "sigmoid": (sigmoid, 1.8, 1.8, (-20, 20)),
    "silu": (lambda x: x * sigmoid(x), 1.8, 1.8, (-20, 20)),
    "gelu": (lambda x: x * ndtr(x), 1.5, 2.0, (-14, 8)),
    "gelu_tanh": (lambda x: x * sigmoid(2 * mpmath.sqrt(2 / mpmath.pi) * (x + mpf("0.044715") * x**3)), .8, 1.2, (-10, 8)),
    "ndtr": (ndtr, 1.5, 2.0, (-14, 8)),
    "tanh": (small(mpmath.tanh), 1.5, 1.4, (-3, 3)),
    "sinh": (small(mpmath.sinh), .51, .9, (-3, 3)),
    "cosh": (mpmath.cosh, .51, 1.0, (-3, 3)),
    "log": (real(mpmath.log, 0), .9, .55, (0, 10)),
    "log2": (real(lambda x: mpmath.log(x, 2), 0), .51, .55, (0, 10)),
    "log10": (real(mpmath.log10, 0), .51, .55, (0, 10)),
    "log1p": (real(log1p, -1), .51, .55, (-1, 4)),
    "log1pexp": (log1pexp, .51, 1.6, (-20, 20)),
    "softplus": (lambda x: max(x, 0) + log1pexp(x), .51, 1.6, (-20, 20)),
    "log_sigmoid": (lambda x: min(x, 0) - log1pexp(x), .51, 1.6, (-20, 20)),
    "asinh": (small(mpmath.asinh), .51, 1.0, (-4, 4)),
    "acosh": (real(mpmath.acosh, 1), .51, .6, (1, 5)),
    "atanh": (real(small(mpmath.atanh), -1, 1), .51, .6, (-1, 1)),
    "erf": (mpmath.erf, 1.3, .9, (-4, 4)),
    "erfc": (erfc, .51, .9, (-4, 27)),
    "erfinv": (erfinv, .6, 2.0, (-1, 1)),
    "sin": (small(mpmath.sin), .51, .8, (-100, 100)),
    "cos": (mpmath.cos, .51, .8, (-100, 100)),
    "tan": (small(mpmath.tan), .51, .9, (-100, 100)),
    "asin": (real(small(mpmath.asin), -1, 1), .51, .65, (-1, 1)),
    "acos": (real(mpmath.acos, -1, 1), .51, .65, (-1, 1)),
    "atan": (small(mpmath.atan), .51, .65, (-5, 5)),
    "digamma": (digamma, .51, 2.0, (1e-3, 20)),
    "sqrt": (real(mpmath.sqrt, 0), .5, .5, (0, 10)),
    "rsqrt": (real(lambda x: 1 / mpmath.sqrt(x) if x else mpf(inf), 0), 1.5, 1.5, (0, 10)),
}


def arguments(dtype, interval, count, seed=0):
    """Usual arguments, the same scaled towards 0 by powers of two, random bits of any size, and edges."""
    rng = np.random.default_rng(seed)
    t = DTYPES[dtype]
    low, high = interval
    usual = rng.uniform(low, high, count)
    near = usual[: count // 2] * np.exp2(-rng.integers(0, 100 if dtype == "f32" else 700, count // 2))
    bits = rng.integers(0, 2 ** (32 if dtype == "f32" else 64), count // 2, dtype=np.uint64)
    wild = (bits.astype(np.uint32) if dtype == "f32" else bits).view(t)
    around = np.concatenate([c + c * rng.uniform(-1, 1, 40) * np.exp2(-rng.integers(1, 40, 40)) for c in (1.0, -1.0, .5, math.pi / 2, 2.0)])
    info = np.finfo(t)
    edges = np.array([0, 1, .5, 2, info.tiny, info.tiny * info.eps, info.max, info.eps, info.eps / 2, inf, nan, 88.72284, 709.78271,
                      103.97208, 745.13322, 1023.9999, 126.5, 1074, .625, .90137, 1.4616321449683622])
    with np.errstate(over="ignore", under="ignore"):
        return np.concatenate([usual.astype(t), near.astype(t), wild, around.astype(t), edges.astype(t), (-edges).astype(t)])


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("name", ACCURACY)
def test_unary_accuracy(every_level, name, dtype):
    f, bound32, bound64, interval = ACCURACY[name]
    x = arguments(dtype, interval, 400 if name in ("erfinv", "digamma", "erfc") else 800)
    if name in ("sin", "cos", "tan") and dtype == "f64":
        x = np.concatenate([x, np.arange(1, 200) * (math.pi / 2), 2.0**20 - np.arange(1, 50) * .37])      # all but cancelled, and the bound
    if name == "digamma":
        x = x[(x > 0) | (x == np.floor(x))]                 # to the left of 0 each root lies between two poles
    x = x[x != 0]                                           # mpmath has no -0; test_special_values has
    exact = from_mpmath(lambda v: v if mpmath.isnan(v) else limits(name, v) if mpmath.isinf(v) else f(v))(x)
    for level, maths in every_level.items():
        errors = ulp_errors(dtype, maths(f"{name}_{dtype}", x), exact)
        worst = int(np.argmax(errors))
        assert errors[worst] <= (bound32 if dtype == "f32" else bound64), (level, float(x[worst]).hex(), mpmath.nstr(exact[worst], 20))


def test_trigamma(every_level):
    """Ten terms and a series are added up: twice as much as the bound of the functions above where all are of one size."""
    r = np.random.default_rng(0)
    x = np.concatenate([r.uniform(1e-3, 20, 150), 10**r.uniform(-9, 6, 50), -r.uniform(0, 5, 50)])
    for dtype, bound in (("f32", 2.0**-23.9), ("f64", 2.0**-51)):
        given = x.astype(DTYPES[dtype])
        exact = [mpmath.psi(1, mpf(float(v))) for v in given]
        for level, maths in every_level.items():
            errors = [abs(float((mpf(float(y)) - e) / e)) for y, e in zip(maths(f"trigamma_{dtype}", given), exact)]
            assert max(errors) <= bound, (level, given[int(np.argmax(errors))])


@pytest.mark.parametrize("dtype, bound", [("f32", 2.0**-22), ("f64", 2.0**-51)])
def test_slope_of_gelu(every_level, dtype, bound):
    """It has a root, so the error is absolute; and relative far out, where exp(-x^2/2) rules. What torch's formula makes of infinities is NaN."""
    x = np.concatenate([np.linspace(-15, 15, 3001), [0.0, -0.0, 37.5, -37.5, 1e30, -1e30]]).astype(DTYPES[dtype])
    exact = from_mpmath(lambda v: ndtr(v) + v * mpmath.exp(-v * v / 2) / mpmath.sqrt(2 * mpmath.pi) if abs(v) < 1e3 else mpf(v > 0))(x)
    for maths in every_level.values():
        y = maths(f"gelu_slope_{dtype}", x)
        assert max(abs(got - want) for got, want in zip(y.tolist(), exact)) <= bound
        assert np.isnan(maths(f"gelu_slope_{dtype}", np.array([inf, -inf, nan], DTYPES[dtype]))).all()


LIMITS = {   # at -inf and inf, where mpmath's opinion is not C's
    "exp": (0, inf), "exp2": (0, inf), "expm1": (-1, inf), "sigmoid": (0, 1), "tanh": (-1, 1), "sinh": (-inf, inf), "cosh": (inf, inf),
    "log": (nan, inf), "log2": (nan, inf), "log10": (nan, inf), "log1p": (nan, inf), "log1pexp": (0, 0), "softplus": (0, inf),
    "log_sigmoid": (-inf, 0), "asinh": (-inf, inf), "acosh": (nan, inf), "atanh": (nan, nan), "erf": (-1, 1), "erfc": (2, 0),
    "erfinv": (nan, nan), "silu": (nan, inf), "gelu": (nan, inf), "gelu_tanh": (nan, inf), "ndtr": (0, 1), "sin": (nan, nan), "cos": (nan, nan), "tan": (nan, nan), "asin": (nan, nan), "acos": (nan, nan),
    "atan": (-math.pi / 2, math.pi / 2), "digamma": (nan, inf), "sqrt": (nan, inf), "rsqrt": (nan, 0),
}


def limits(name, x):
    return mpf(LIMITS[name][x > 0])


@pytest.mark.parametrize("name", ["exp", "exp2", "expm1", "tanh", "sinh", "cosh", "log", "log2", "log10", "log1p", "asinh", "acosh", "atanh",
                                  "sin", "cos", "tan", "asin", "acos", "atan"])
def test_float32_against_numpy(every_level, name):
    """A quarter of a million float32 from the whole range, evenly over their bit patterns."""
    x = np.arange(0, 2**32, 16411, dtype=np.uint64).astype(np.uint32).view(np.float32)
    numpy_name = {"asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "asin": "arcsin", "acos": "arccos", "atan": "arctan"}
    with np.errstate(all="ignore"):
        exact = getattr(np, numpy_name.get(name, name))(x.astype(np.float64))
    for level, maths in every_level.items():
        errors = ulp_errors_f32(maths(f"{name}_f32", x), exact)
        worst = int(np.argmax(errors))
        assert errors[worst] <= ACCURACY[name][1], (level, float(x[worst]).hex())


@pytest.mark.parametrize("name", ["erf", "erfc", "lgamma"])
def test_float32_against_libm(every_level, name):
    x = np.arange(0, 2**32, 65537 * 3, dtype=np.uint64).astype(np.uint32).view(np.float32)
    x = x[np.isfinite(x)]
    if name == "lgamma":
        x = x[(x > 0) | (x != np.floor(x))]
        x = x[np.abs(x) < 1e35]
    exact = np.array([getattr(math, name)(v) for v in x.tolist()])
    bound = .51 if name == "lgamma" else ACCURACY[name][1]
    for level, maths in every_level.items():
        errors = ulp_errors_f32(maths(f"{name}_f32", x), exact)
        worst = int(np.argmax(errors))
        assert errors[worst] <= bound, (level, float(x[worst]).hex())


def c99_pow(x, y):
    """pow of finite arguments, x not 0."""
    if x < 0 and y != mpmath.floor(y):
        return mpf(nan)
    if abs(y * mpmath.log(abs(x))) > 1e6:             # mpmath would compute a number of a million digits
        huge = (abs(x) > 1) == (y > 0)
        sign = -1 if x < 0 and y % 2 == 1 else 1
        return sign * (mpf(10) ** 5000 if huge else mpf(10) ** -5000)
    return x ** y


def logaddexp(x, y):
    return max(x, y) + log1pexp(x - y)


BINARY_ACCURACY = {
    "atan2": (mpmath.atan2, .51, .8),
    "hypot": (lambda x, y: mpmath.sqrt(x * x + y * y), .51, .6),
    "pow": (c99_pow, .51, .8),
    "logaddexp": (logaddexp, .51, 1.6),
    "xlogy": (lambda x, y: x * mpmath.log(y), 1.7, 1.4),
}


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("name", BINARY_ACCURACY)
def test_binary_accuracy(every_level, name, dtype):
    f, bound32, bound64 = BINARY_ACCURACY[name]
    rng = np.random.default_rng(3)
    x, y = arguments(dtype, (-20, 20), 900, 1), arguments(dtype, (-20, 20), 900, 2)
    pick = rng.permutation(len(y))
    x, y = np.concatenate([x, x]), np.concatenate([y, y[pick]])
    if name == "pow":
        x = np.where(rng.random(len(x)) < .7, np.abs(x), x)
        y = np.where(rng.random(len(y)) < .2, np.trunc(np.nan_to_num(y)), y)
    finite = np.isfinite(x) & np.isfinite(y) & (x != 0) & (y != 0)
    if name == "xlogy":
        finite &= y > 0
    if name == "logaddexp":      # where maximum and rest cancel the error is relative to the maximum: documented, not here
        finite &= (np.maximum(x, y) > 0) | (np.maximum(x, y) < -1.5)
    x, y = x[finite], y[finite]
    exact = from_mpmath(f)(x, y)
    for level, maths in every_level.items():
        errors = ulp_errors(dtype, maths(f"{name}_{dtype}", x, y), exact)
        worst = int(np.argmax(errors))
        assert errors[worst] <= (bound32 if dtype == "f32" else bound64), (level, float(x[worst]).hex(), float(y[worst]).hex(),
                                                                             mpmath.nstr(exact[worst], 20))


# ---- special values, signs of zeros ----------------------------------------------------------------------------------

SPECIAL = {
    "exp": [(0.0, 1), (-0.0, 1), (inf, inf), (-inf, 0.0), (1000, inf), (-1000, 0.0)],
    "exp2": [(0.0, 1), (1, 2), (10, 1024), (-1, .5), (-149, 2.0**-149), (127, 2.0**127), (inf, inf), (-inf, 0.0)],
    "expm1": [(0.0, 0.0), (-0.0, -0.0), (inf, inf), (-inf, -1), (-100, -1)],
    "sigmoid": [(0.0, .5), (-0.0, .5), (inf, 1), (-inf, 0.0)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (inf, 1), (-inf, -1), (50, 1)],
    "sinh": [(0.0, 0.0), (-0.0, -0.0), (inf, inf), (-inf, -inf)],
    "cosh": [(0.0, 1), (-0.0, 1), (inf, inf), (-inf, inf)],
    "log": [(1, 0.0), (0.0, -inf), (-0.0, -inf), (inf, inf), (-1, nan), (-inf, nan)],
    "log2": [(1, 0.0), (8, 3), (2.0**-100, -100), (0.0, -inf), (-0.0, -inf), (inf, inf), (-1, nan)],
    "log10": [(1, 0.0), (1000, 3), (1e10, 10), (0.0, -inf), (inf, inf), (-1, nan)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (-1, -inf), (inf, inf), (-2, nan), (-inf, nan)],
    "softplus": [(-inf, 0.0), (inf, inf)],
    "log_sigmoid": [(-inf, -inf), (inf, 0.0), (1000, 0.0)],
    "asinh": [(0.0, 0.0), (-0.0, -0.0), (inf, inf), (-inf, -inf)],
    "acosh": [(1, 0.0), (inf, inf), (.5, nan), (-inf, nan), (-3, nan)],
    "atanh": [(0.0, 0.0), (-0.0, -0.0), (1, inf), (-1, -inf), (2, nan), (-inf, nan)],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (inf, 1), (-inf, -1)],
    "erfc": [(0.0, 1), (-0.0, 1), (inf, 0.0), (-inf, 2)],
    "erfinv": [(0.0, 0.0), (-0.0, -0.0), (1, inf), (-1, -inf), (2, nan), (inf, nan)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (inf, nan), (-inf, nan)],
    "cos": [(0.0, 1), (-0.0, 1), (inf, nan), (-inf, nan)],
    "tan": [(0.0, 0.0), (-0.0, -0.0), (inf, nan), (-inf, nan)],
    "asin": [(0.0, 0.0), (-0.0, -0.0), (2, nan), (-inf, nan)],
    "acos": [(1, 0.0), (2, nan), (inf, nan)],
    "atan": [(0.0, 0.0), (-0.0, -0.0)],
    "lgamma": [(1, 0.0), (2, 0.0), (0.0, inf), (-0.0, inf), (-1, inf), (inf, inf), (-inf, inf)],
    "digamma": [(0.0, -inf), (-0.0, inf), (-1, nan), (-2, nan), (inf, inf), (-inf, nan)],
    "sqrt": [(0.0, 0.0), (-0.0, -0.0), (inf, inf), (-1, nan)],
    "rsqrt": [(0.0, inf), (-0.0, -inf), (inf, 0.0), (-1, nan), (4, .5)],
    "reciprocal": [(0.0, inf), (-0.0, -inf), (inf, 0.0), (-inf, -0.0)],
    "floor": [(1.5, 1), (-1.5, -2), (-0.0, -0.0), (inf, inf), (-inf, -inf)],
    "ceil": [(1.5, 2), (-1.5, -1), (-.5, -0.0), (inf, inf)],
    "trunc": [(1.5, 1), (-1.5, -1), (-.5, -0.0), (1e30, 1e30), (-inf, -inf)],
    "round": [(.5, 0.0), (1.5, 2), (2.5, 2), (-.5, -0.0), (-2.5, -2), (3.5, 4), (2.0**23 + 1, 2.0**23 + 1), (inf, inf)],
    "frac": [(1.5, .5), (-1.5, -.5), (-0.0, 0.0), (3, 0.0), (inf, nan)],
    "sign": [(3, 1), (-3, -1), (0.0, 0.0), (-0.0, 0.0), (inf, 1), (-inf, -1)],
    "abs": [(-3, 3), (-0.0, 0.0), (-inf, inf)],
    "neg": [(0.0, -0.0), (-0.0, 0.0), (inf, -inf)],
    "square": [(-3, 9), (-0.0, 0.0), (inf, inf)],
}
NAN_BECOMES = {"sign": 0.0}      # everywhere else NaN stays NaN

SPECIAL_BINARY = {
    "pow": [(0.0, 0.0, 1), (nan, 0.0, 1), (1, nan, 1), (1, inf, 1), (-1, inf, 1), (-1, -inf, 1), (nan, 1, nan), (2, nan, nan),
            (-1, nan, nan), (0.0, -1, inf), (-0.0, -1, -inf), (-0.0, -2, inf), (-0.0, 3, -0.0), (-0.0, .5, 0.0),
            (0.0, inf, 0.0), (0.0, -inf, inf), (-8, 1 / 3, nan), (-2, 3, -8), (-2, 2, 4), (-2, -1, -.5), (inf, 2, inf),
            (inf, -2, 0.0), (-inf, 3, -inf), (-inf, 2, inf), (-inf, -3, -0.0), (-inf, .5, inf), (.5, inf, 0.0),
            (.5, -inf, inf), (2, inf, inf), (2, -inf, 0.0), (-2, inf, inf), (9, .5, 3), (10, 2, 100), (3, 1, 3)],
    "atan2": [(0.0, 1, 0.0), (-0.0, 1, -0.0), (0.0, 0.0, 0.0), (-0.0, 0.0, -0.0), (0.0, -1, math.pi), (-0.0, -1, -math.pi),
              (0.0, -0.0, math.pi), (1, 0.0, math.pi / 2), (-1, -0.0, -math.pi / 2), (inf, inf, math.pi / 4),
              (inf, -inf, 3 * math.pi / 4), (-inf, inf, -math.pi / 4), (1, inf, 0.0), (1, -inf, math.pi),
              (inf, 1, math.pi / 2), (nan, 1, nan), (1, nan, nan), (nan, 0.0, nan)],
    "hypot": [(0.0, -0.0, 0.0), (3, -4, 5), (inf, nan, inf), (nan, -inf, inf), (nan, 1, nan), (2.0**-100, 0.0, 2.0**-100)],
    "logaddexp": [(inf, inf, inf), (-inf, -inf, -inf), (-inf, 3, 3), (inf, -inf, inf), (nan, 1, nan), (1, nan, nan),
                  (inf, nan, nan)],
    "xlogy": [(0.0, 0.0, 0.0), (0.0, inf, 0.0), (0.0, nan, nan), (nan, 1, nan), (2, 0.0, -inf), (2, 1, 0.0), (0.0, -1, 0.0),
              (1, -1, nan)],
    "minimum": [(1, 2, 1), (nan, 1, nan), (1, nan, nan), (-inf, 1, -inf), (0.0, -0.0, 0.0), (-0.0, 0.0, -0.0)],
    "maximum": [(1, 2, 2), (nan, 1, nan), (1, nan, nan), (inf, 1, inf), (nan, nan, nan)],
    "fmin": [(1, 2, 1), (nan, 1, 1), (1, nan, 1), (nan, nan, nan)],
    "fmax": [(1, 2, 2), (nan, 1, 1), (1, nan, 1), (nan, nan, nan)],
    "copysign": [(1, -0.0, -1), (-2, 3, 2), (nan, 1, nan), (0.0, -inf, -0.0)],
    "heaviside": [(0.0, 7, 7), (-0.0, 7, 7), (-2, 7, 0.0), (3, 7, 1), (nan, 7, 0.0)],
    "fmod": [(5, 3, 2), (-5, 3, -2), (5, -3, 2), (1, 0.0, nan), (inf, 2, nan), (1, inf, 1), (-1, inf, -1), (-0.0, -3, -0.0),
             (-6, 3, -0.0), (2.0**100, 3, 1)],
    "remainder": [(5, 3, 2), (-5, 3, 1), (5, -3, -1), (-5, -3, -2), (1, 0.0, nan), (inf, 2, nan), (1, inf, 1), (-1, inf, inf),
                  (0.0, -3, 0.0)],
    "floor_divide": [(5, 3, 1), (-5, 3, -2), (5, -3, -2), (-5, -3, 1), (1, 0.0, inf), (-1, 0.0, -inf), (0.0, 0.0, nan),
                     (inf, 2, nan), (1, inf, 0.0), (-1, inf, -1), (0.0, -3, -0.0), (6, 3, 2)],
}


def same(y, want):
    """Equal with the sign of zeros; any NaN is a NaN."""
    want = np.asarray(want, y.dtype)
    return bool(np.all(np.where(np.isnan(want), np.isnan(y), (y == want) & (np.signbit(y) == np.signbit(want)))))


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(maths, name, dtype):
    for x, want in SPECIAL[name] + [(nan, NAN_BECOMES.get(name, nan))]:
        y = maths(f"{name}_{dtype}", np.full(17, x, DTYPES[dtype]))
        assert same(y, want), (x, want, y[0])


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("name", SPECIAL_BINARY)
def test_special_values_binary(maths, name, dtype):
    for a, b, want in SPECIAL_BINARY[name]:
        y = maths(f"{name}_{dtype}", np.full(17, a, DTYPES[dtype]), np.full(17, b, DTYPES[dtype]))
        assert same(y, want), (a, b, want, y[0])


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("name", PREDICATES)
def test_predicates(maths, name, dtype):
    x = np.concatenate([arguments(dtype, (-4, 4), 100), [nan, -inf, inf, -0.0]]).astype(DTYPES[dtype])
    np.testing.assert_array_equal(maths(f"{name}_{dtype}", x, out=np.uint8), getattr(np, name)(x).astype(np.uint8))


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_nan_to_num(maths, dtype):
    t = DTYPES[dtype]
    top = float(np.finfo(t).max)
    x = np.array([nan, inf, -inf, 1.5, -0.0, top, -top], t)
    assert same(maths(f"nan_to_num_{dtype}", x, np.array([7, 8, 9], t)), [7, 8, 9, 1.5, -0.0, top, -top])


# ---- one element, one result: whatever its neighbours, its position, the level ---------------------------------------------

def bits(y):
    return y.view({1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}[y.dtype.itemsize])


def bits_of(name, y):
    """The sign and payload of a NaN are the processor's affair."""
    return bits(np.where(np.isnan(y), np.array(nan, y.dtype), y))


def all_functions():
    return [(name, dtype, arity) for dtype in ("f32", "f64") for names, arity in ((UNARY, 1), (BINARY, 2)) for name in names]


@pytest.mark.parametrize("name, dtype, arity", all_functions())
def test_position_does_not_matter(maths, name, dtype, arity):
    columns = [arguments(dtype, (-4, 4), 130, seed) for seed in range(arity)]
    whole = bits_of(name, maths(f"{name}_{dtype}", *columns))
    alone = np.concatenate([bits_of(name, maths(f"{name}_{dtype}", *(c[i:i + 1] for c in columns))) for i in range(len(columns[0]))])
    np.testing.assert_array_equal(whole, alone)
    for start, stop in ((1, 20), (3, 40), (7, 300)):
        np.testing.assert_array_equal(whole[start:stop], bits_of(name, maths(f"{name}_{dtype}", *(c[start:stop] for c in columns))))


@pytest.mark.parametrize("name, dtype, arity", all_functions())
def test_levels_with_fused_multiply_add_agree(every_level, name, dtype, arity):
    fused = [level for level in LEVELS if level in ("v3", "v4")]
    if len(fused) < 2:
        pytest.skip("this machine has only one level with FMA")
    columns = [arguments(dtype, (-4, 4), 3000, seed) for seed in range(arity)]
    one, two = (bits_of(name, every_level[level](f"{name}_{dtype}", *columns)) for level in fused)
    np.testing.assert_array_equal(one, two)


def test_lgamma_does_not_depend_on_its_neighbours(maths):
    x = np.exp2(np.random.default_rng(7).uniform(-20, 20, 1000)).astype(np.float32)
    assert np.array_equal(maths("lgamma_f32", x), maths("lgamma_f32", x, prefix="scalar"))
    among = x.copy()
    among[::7] *= -1
    assert np.array_equal(maths("lgamma_f32", among)[1::7], maths("lgamma_f32", x)[1::7])


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("name", EASY)
def test_easy_and_general_agree(maths, name, dtype):
    """Blocks with a hard argument take the other path: the rest of the block must not notice."""
    columns = [arguments(dtype, (-50, 50), 2000, seed) for seed in range(1 if name in ("sin", "cos", "tan") else 2)]
    rng = np.random.default_rng(4)
    hard = rng.permutation(np.abs(columns[0]) > 1e9)
    columns = [np.concatenate([c, c[~hard], c[:700]]) for c in columns]
    loop, scalar = (bits_of(name, maths(f"{name}_{dtype}", *columns, prefix=p)) for p in ("loop", "scalar"))
    np.testing.assert_array_equal(loop, scalar)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("name", ["fmod", "remainder"])
def test_remainders_are_exact(maths, name, dtype):
    x, y = arguments(dtype, (-1e6, 1e6), 3000, 5), arguments(dtype, (-30, 30), 3000, 6)
    with np.errstate(all="ignore"):
        x, y = np.concatenate([x, np.round(y * 1000) * y]), np.concatenate([y, y])
        exact = np.fmod(x, y) if name == "fmod" else np.where((r := np.fmod(x, y)) * np.sign(y) < 0, r + y, r)
    assert same(maths(f"{name}_{dtype}", x, y), exact)


SCALAR = {"lgamma_f64", "trunc_divide_i64", "fmod_i64", "pow_i64"}
SCALAR_BELOW_V4 = {"f64_to_i64", "f32_to_i64"}        # AVX2 has no conversion to 64-bit integers


@pytest.mark.parametrize("level", [level for level in LEVELS if level in ("v3", "v4")])
def test_loops_vectorise(math_source, tmp_path, level):
    """Every function but the known few, pow also with an exponent that is the same for the whole loop."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    version = subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=True).stdout
    if "Free Software Foundation" not in version or int(re.search(r"\) (\d+)", version)[1]) < 12:
        pytest.skip("only gcc 12 and later say in these words which loops they vectorise")
    path = tmp_path / "loops.c"
    path.write_text(math_source.read_text() + "\n".join(
        f"void loop_pow_scalar_{dtype}(int64_t n, {t} *y, const {t} *a, {t} b) {{ "
        f"WG_VECTOR for (int64_t i = 0; i < n; i++) y[i] = wg_pow_{dtype}(a[i], b); }}"
        for dtype, t in (("f32", "float"), ("f64", "double"))) + "\n")
    done = subprocess.run([*compiler, *FLAGS, *LEVEL_FLAGS[level], f"-DWG_ISA={level}", f"-I{CSRC}", "-fno-ipa-icf",
                           "-fopt-info-vec-optimized", "-c", path, "-o", tmp_path / "loops.o"], capture_output=True, text=True, check=True)
    vectorised = {int(line) for line in re.findall(r"loops\.c:(\d+):\d+: optimized: loop vectorized", done.stderr)}
    scalar = {m[1] for number, line in enumerate(path.read_text().splitlines(), 1)
              if (m := re.match(r"void loop_(\w+)\(", line)) and number not in vectorised}
    assert scalar == SCALAR | (SCALAR_BELOW_V4 if level != "v4" else set())


# ---- integers ------------------------------------------------------------------------------------------------------------

def wrap(v):
    return (v + 2**63) % 2**64 - 2**63


def trunc_divide(x, y):
    q = abs(x) // abs(y)
    return q if (x < 0) == (y < 0) else -q


def int_pow(x, y):
    return pow(x, y, 2**64) if y >= 0 else 1 if x == 1 else 0 if x != -1 else (-1 if y % 2 else 1)


INT_REFERENCE = {
    "neg": operator.neg, "abs": abs, "sign": lambda x: (x > 0) - (x < 0), "square": lambda x: x * x, "not": operator.invert,
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "minimum": min, "maximum": max, "fmin": min, "fmax": max,
    "heaviside": lambda x, v: v if x == 0 else int(x > 0),
    "trunc_divide": lambda x, y: trunc_divide(x, y) if y else 0, "floor_divide": lambda x, y: x // y if y else 0,
    "remainder": lambda x, y: x % y if y else 0, "fmod": lambda x, y: x - y * trunc_divide(x, y) if y else 0, "pow": int_pow,
    "lshift": lambda x, y: x << y if 0 <= y < 64 else 0, "rshift": lambda x, y: x >> y if 0 <= y < 64 else (-1 if x < 0 else 0),
    "and": operator.and_, "or": operator.or_, "xor": operator.xor,
}
INTS = [0, 1, -1, 2, -2, 3, 7, -7, 10, 63, 64, 65, -64, 1000, 2**31, -2**31, 2**62, 2**63 - 1, -2**63, -2**63 + 1]


@pytest.mark.parametrize("name", INT_UNARY)
def test_integers_unary(maths, name):
    x = np.array(INTS, np.int64)
    assert maths(f"{name}_i64", x).tolist() == [wrap(INT_REFERENCE[name](v)) for v in INTS]


@pytest.mark.parametrize("name", ["floor_divide", "remainder"])
def test_divisions_of_small_integers_are_exact(maths, name):
    r = np.random.default_rng(4)
    y = np.concatenate([r.integers(-9, 10, 500), r.integers(-2**25, 2**25, 500), r.integers(-2**51, 2**51, 500), [1, -1, 2**51 - 1, -2**51] * 8])
    y[y == 0] = 3
    k = r.integers(-2**51, 2**51, y.size) // np.abs(y)
    x = np.clip(np.concatenate([k * y + d for d in (-1, 0, 1)]), -2**51, 2**51 - 1)     # multiples, and their neighbours
    y = np.concatenate([y] * 3)
    want = [INT_REFERENCE[name](a, b) for a, b in zip(x.tolist(), y.tolist())]
    assert maths(f"{name}_i64", x, y).tolist() == want
    beyond = np.where(np.arange(x.size) % 512 == 7, x * 4096, x)                        # blocks with large ones among them
    assert maths(f"{name}_i64", beyond, y).tolist() == [INT_REFERENCE[name](a, b) for a, b in zip(beyond.tolist(), y.tolist())]


@pytest.mark.parametrize("name", INT_BINARY)
def test_integers_binary(maths, name):
    pairs = [(x, y) for x in INTS for y in INTS]
    x, y = (np.array(c, np.int64) for c in zip(*pairs))
    assert maths(f"{name}_i64", x, y).tolist() == [wrap(INT_REFERENCE[name](a, b)) for a, b in pairs]


def test_zero_among_divisors(maths):
    y = np.array([3, 0, 5, 1], np.int64)
    at = y.ctypes.data_as(ctypes.c_void_p)
    has_zero = maths.lib.has_zero
    assert has_zero(ctypes.c_int64(4), at, ctypes.c_int64(1)) == 1
    assert has_zero(ctypes.c_int64(2), at, ctypes.c_int64(2)) == 0
    assert has_zero(ctypes.c_int64(0), at, ctypes.c_int64(1)) == 0


@pytest.mark.parametrize("name, dtype", [("f64_to_i64", np.float64), ("f32_to_i64", np.float32)])
def test_floats_to_integers(maths, name, dtype):
    x = np.array([0, -0.0, 1.9, -1.9, 3e9, -3e9, 2.0**62, -2.0**63, 2.0**63, 1e30, -1e30, inf, -inf, nan], dtype)
    lowest = -2**63
    want = [0, 0, 1, -1, 3 * 10**9, -3 * 10**9, 2**62, lowest, lowest, lowest, lowest, lowest, lowest, lowest]
    assert maths(name, x, out=np.int64).tolist() == want


# ---- half precision -----------------------------------------------------------------------------------------------------------

def test_float16_to_float32_all(maths):
    h = np.arange(2**16, dtype=np.uint16)
    assert same(maths("f16_to_f32", h, out=np.float32), h.view(np.float16).astype(np.float32))


def test_float32_to_float16(maths):
    """Every float16, the points halfway between neighbours, and one float32 to either side of them."""
    h = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    half = ((h[1:].astype(np.float64) + h[:-1]) / 2).astype(np.float32)
    x = np.concatenate([h, half, np.nextafter(half, np.float32(inf)), np.nextafter(half, np.float32(0)),
                        np.float32([65504, 65519.996, 65520, 65536, 1e30, inf, 1e-8, 1e-45])])
    x = np.concatenate([x, -x])
    with np.errstate(over="ignore"):
        want = x.astype(np.float16).view(np.uint16)
    np.testing.assert_array_equal(maths("f32_to_f16", x, out=np.uint16), want)
    nans = np.array([0x7FC00000, 0xFFC00001, 0x7F800001, 0xFF812345], np.uint32).view(np.float32)
    assert maths("f32_to_f16", nans, out=np.uint16).tolist() == [0x7E00, 0xFE00, 0x7E00, 0xFE00]


def test_bfloat16(maths):
    h = np.arange(2**16, dtype=np.uint16)
    x = maths("bf16_to_f32", h, out=np.float32)
    np.testing.assert_array_equal(x.view(np.uint32), h.astype(np.uint32) << 16)
    number = ~np.isnan(x)
    np.testing.assert_array_equal(maths("f32_to_bf16", x, out=np.uint16)[number], h[number])
    assert (maths("f32_to_bf16", x, out=np.uint16)[~number] == 0x7FC0).all()
    low = np.arange(0, 0x7F7F, dtype=np.uint32)
    for add, up in ((0x7FFF, 0), (0x8000, low & 1), (0x8001, 1)):
        y = maths("f32_to_bf16", ((low << 16) + add).astype(np.uint32).view(np.float32), out=np.uint16)
        np.testing.assert_array_equal(y, low + up)


# ---- the checkers themselves ----------------------------------------------------------------------------------------------------

def test_the_ulp_checkers_see_errors():
    x = np.array([1.0, 1.0, 1.0, nan, 1.0, inf], np.float32)
    exact = np.array([1 + 2.0**-23, 1 + 2.0**-24, 1 - 2.0**-25, 1.0, nan, 1.0])
    np.testing.assert_allclose(ulp_errors_f32(x, exact), [1, .5, .5, inf, inf, inf])
    np.testing.assert_allclose(ulp_errors("f32", x, [mpf(v) for v in exact]), [1, .5, .5, inf, inf, inf])
    assert not same(np.array([0.0]), -0.0) and not same(np.array([1.0]), nan) and same(np.array([nan]), nan)
    tiny = np.array([2.0**-1074])
    np.testing.assert_allclose(ulp_errors("f64", tiny, [mpf(2) ** -1074 * 3]), [2])


# ---- the coefficients -------------------------------------------------------------------------------------------------------------

def test_tables_are_what_the_script_fits():
    """The cheap rows; `python tools/fit_math.py --check` does them all, in a few minutes."""
    spec = importlib.util.spec_from_file_location("fit_math", CSRC.parent / "tools" / "fit_math.py")
    fit_math = importlib.util.module_from_spec(spec)
    with mp.workdps(mp.dps):                       # the script sets its own precision when it is imported
        spec.loader.exec_module(fit_math)
        header = fit_math.HEADER.read_text()
        for f in fit_math.FITS:
            assert f"wg_poly_{f.name}(" in header, f.name
            if f.name in ("exp_f32", "tanh_f32", "log_d32", "cos_d32"):
                assert fit_math.emit(f) in header, f.name
