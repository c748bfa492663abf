"""Fit the polynomials of csrc/kernels/wg_math_tables.h.

Each row of FITS is a polynomial P(v) that approximates target(v) on [low, high] so that the largest
weight(v) * |P(v) - target(v)| is least (discrete Remez exchange on a dense Chebyshev grid, mpmath).
Coefficients are rounded one after the other from the constant term upwards; after each rounding the
remaining ones are fitted again, so that they absorb its error.

    python tools/fit_math.py            writes the header
    python tools/fit_math.py --check    exits with 1 when the header differs
    python tools/fit_math.py NAME...    prints the named fits only

Needs mpmath; gmpy2 makes it a few times faster.
"""

import pathlib
import struct
import sys

import mpmath as mp
from mpmath import mpf

mp.mp.dps = 80
HEADER = pathlib.Path(__file__).parent.parent / "csrc" / "kernels" / "wg_math_tables.h"

LN2_HALF = mp.log(2) / 2 * mpf("1.0001")  # the reduced argument overshoots ln2/2 by rounding
QUARTER_PI = mp.pi / 4 * mpf("1.0001")
SQRT_HALF = mp.sqrt(mpf("0.5"))
LOG_W = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mpf("1.0001")  # s*s, s = (m-1)/(m+1)
TWO_OVER_SQRT_PI = 2 / mp.sqrt(mp.pi)
TAN_PI_8 = mp.sqrt(2) - 1


def odd(f, leading=1):
    """(f(x)/x - leading) / x**2 as a function of v = x*x, for an odd f with f'(0) = leading."""
    def target(v):
        x = mp.sqrt(v)
        return (f(x) / x - leading) / v
    return target


def odd_weight(f):
    """Makes the error relative to f: P is multiplied by x**3."""
    return lambda v: v * mp.sqrt(v) / f(mp.sqrt(v))


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


ERFC_K = mpf(4)


def erfc_target(t):
    """(1 + 2x) exp(x*x) erfc(x) with t = (x - K) / (x + K); tends to 2/sqrt(pi) as x grows."""
    x = ERFC_K * (1 + t) / (1 - t)
    return (1 + 2 * x) * erfcx(x)


def erfc_t(x):
    return (x - ERFC_K) / (x + ERFC_K)


MILLS_C = mpf("0.3")      # this and the degree go together: neighbours are ten times worse


SLOPE_C = mpf("0.35")


def mills(s, c=MILLS_C):
    """Mills' ratio over sqrt(2 pi) with s = 1 / (1 + c a)."""
    a = (1 / s - 1) / c
    return mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2


DIGAMMA_ROOT = mp.findroot(mp.digamma, mpf("1.4616321449683623"))


def digamma_tail(v):
    """(log(x) - 1/(2x) - digamma(x)) x^2 with v = 1/x^2; 1/12 at infinity."""
    x = 1 / mp.sqrt(v)
    return (mp.log(x) - 1 / (2 * x) - mp.digamma(x)) / v


def lgamma_tail(v):
    """(lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2) x with v = 1/x^2; 1/12 at infinity."""
    x = 1 / mp.sqrt(v)
    return (mp.loggamma(x) - (x - mpf("0.5")) * mp.log(x) + x - mp.log(2 * mp.pi) / 2) * x


def erfinv_ratio(w):
    """erfinv(x) / x with w = -log(1 - x^2); y = erfinv(x) by Newton steps on log(erfc(y))."""
    x = mp.sqrt(-mp.expm1(-w))
    rest = mp.exp(-w) / (1 + x)              # 1 - x
    y = mp.sqrt(w) if w > 3 else x * mp.sqrt(mp.pi) / 2
    for _ in range(100):
        step = (mp.log(mp.erfc(y)) - mp.log(rest)) * mp.erfc(y) / (TWO_OVER_SQRT_PI * mp.exp(-y * y))
        y += step
        if abs(step) < mpf(10)**-60 * y:
            return y / x
    raise ArithmeticError("erfinv does not converge")


class Fit:
    def __init__(self, name, kind, degree, low, high, target, weight, what):
        self.name, self.kind, self.degree, self.low, self.high = name, kind, degree, mpf(low), mpf(high)
        self.target, self.weight, self.what = target, weight, what


def exp_target(r):
    return (mp.expm1(r) - r) / r**2 if abs(r) > mpf(10)**-18 else mpf(1) / 2 + r / 6


def exp_weight(r):
    return r**2 / mp.exp(r)


def log1p_target(f):
    return (mp.log1p(f) - f + f * f / 2) / f**3 if abs(f) > mpf(10)**-12 else mpf(1) / 3 - f / 4


def log1p_weight(f):
    return f**3 / mp.log1p(f) if f else mpf(0)


def sin_target(v):
    x = mp.sqrt(v)
    return (mp.sin(x) / x - 1) / v


def cos_target(v):
    return (mp.cos(mp.sqrt(v)) - 1 + v / 2) / v**2


def cos_weight(v):
    return v**2 / mp.cos(mp.sqrt(v))


FITS = [
    Fit("exp_f32", "f32", 4, -LN2_HALF, LN2_HALF,
        exp_target, exp_weight,
        "(exp(r) - 1 - r) / r^2"),
    Fit("exp_d32", "f64", 5, -LN2_HALF, LN2_HALF,
        exp_target, exp_weight,
        "(exp(r) - 1 - r) / r^2, for float32 results"),
    Fit("exp_f64", "f64", 10, -LN2_HALF, LN2_HALF,
        exp_target, exp_weight,
        "(exp(r) - 1 - r) / r^2"),
    Fit("exp2_f32", "f32", 5, "-0.5001", "0.5001",
        lambda r: (mp.power(2, r) - 1) / r, lambda r: r / mp.power(2, r),
        "(2^r - 1) / r"),
    Fit("exp2_f64", "f64", 11, "-0.5001", "0.5001",
        lambda r: (mp.power(2, r) - 1) / r, lambda r: r / mp.power(2, r),
        "(2^r - 1) / r"),
    Fit("exp2_d32", "f64", 5, "-0.5001", "0.5001",
        lambda r: (mp.power(2, r) - 1) / r, lambda r: r / mp.power(2, r),
        "(2^r - 1) / r, for float32 results"),
    Fit("log_f32", "f32", 7, SQRT_HALF - 1, mp.sqrt(2) - 1,
        log1p_target, log1p_weight,
        "(log1p(f) - f + f^2/2) / f^3"),
    Fit("log_d32", "f64", 3, 0, LOG_W,
        odd(lambda s: 2 * mp.atanh(s), 2), odd_weight(lambda s: 2 * mp.atanh(s)),
        "(2 atanh(s) / s - 2) / w, w = s^2, for float32 results"),
    Fit("log_f64", "f64", 7, 0, LOG_W,
        odd(lambda s: 2 * mp.atanh(s), 2), odd_weight(lambda s: 2 * mp.atanh(s)),
        "(2 atanh(s) / s - 2) / w, w = s^2"),
    Fit("log_far_f64", "f64", 6, 0, LOG_W,
        lambda w: ((2 * mp.atanh(mp.sqrt(w)) / mp.sqrt(w) - 2) / w - mpf(2) / 3) / w,
        lambda w: w**2 * mp.sqrt(w) / mp.atanh(mp.sqrt(w)),
        "((2 atanh(s) / s - 2) / w - 2/3) / w, w = s^2"),
    Fit("log1pexp_d32", "f64", 4, 0, mpf(1) / 9,
        odd(lambda s: 2 * mp.atanh(s), 2), odd_weight(lambda s: 2 * mp.atanh(s)),
        "(2 atanh(s) / s - 2) / w, w = s^2 <= 1/9, for float32 results"),
    Fit("log1pexp_f64", "f64", 9, 0, mpf(1) / 9,
        odd(lambda s: 2 * mp.atanh(s), 2), odd_weight(lambda s: 2 * mp.atanh(s)),
        "(2 atanh(s) / s - 2) / w, w = s^2 <= 1/9"),
    Fit("tanh_f32", "f32", 4, 0, mpf("0.625")**2,
        odd(mp.tanh), odd_weight(mp.tanh),
        "(tanh(x) / x - 1) / z, z = x^2 <= 0.625^2"),
    Fit("tanh_f64", "f64", 11, 0, mpf("0.625")**2,
        odd(mp.tanh), odd_weight(mp.tanh),
        "(tanh(x) / x - 1) / z, z = x^2 <= 0.625^2"),
    Fit("sinh_f64", "f64", 7, 0, 1,
        odd(mp.sinh), odd_weight(mp.sinh),
        "(sinh(x) / x - 1) / z, z = x^2 <= 1"),
    Fit("sin_d32", "f64", 3, 0, QUARTER_PI**2,
        sin_target, odd_weight(mp.sin),
        "(sin(r) / r - 1) / z, z = r^2, for float32 results"),
    Fit("cos_d32", "f64", 2, 0, QUARTER_PI**2,
        cos_target, cos_weight,
        "(cos(r) - 1 + z/2) / z^2, z = r^2, for float32 results"),
    Fit("sin_f64", "f64", 6, 0, QUARTER_PI**2,
        sin_target, odd_weight(mp.sin),
        "(sin(r) / r - 1) / z, z = r^2"),
    Fit("cos_f64", "f64", 6, 0, QUARTER_PI**2,
        cos_target, cos_weight,
        "(cos(r) - 1 + z/2) / z^2, z = r^2"),
    Fit("asin_d32", "f64", 6, 0, "0.25",
        odd(mp.asin), odd_weight(mp.asin),
        "(asin(x) / x - 1) / z, z = x^2 <= 1/4, for float32 results"),
    Fit("asin_f64", "f64", 12, 0, "0.25",
        odd(mp.asin), odd_weight(mp.asin),
        "(asin(x) / x - 1) / z, z = x^2 <= 1/4"),
    Fit("atan_d32", "f64", 5, 0, TAN_PI_8**2,
        odd(mp.atan), odd_weight(mp.atan),
        "(atan(t) / t - 1) / z, z = t^2, |t| <= tan(pi/8), for float32 results"),
    Fit("atan_f64", "f64", 10, 0, TAN_PI_8**2,
        odd(mp.atan), odd_weight(mp.atan),
        "(atan(t) / t - 1) / z, z = t^2, |t| <= tan(pi/8)"),
    Fit("erf_f32", "f32", 6, 0, "0.8125",
        lambda v: mp.erf(mp.sqrt(v)) / mp.sqrt(v) - 1, lambda v: mp.sqrt(v) / mp.erf(mp.sqrt(v)),
        "erf(x) / x - 1, z = x^2 <= 0.8125"),
    Fit("erf_tail_f32", "f32", 7, "0.9", "4",
        lambda x: -mp.log(mp.erfc(x)), lambda x: mp.erfc(x),
        "-log(erfc(x)), 0.9 <= x <= 4; absolute error of erf"),
    Fit("erf_f64", "f64", 11, 0, "0.8125",
        lambda v: mp.erf(mp.sqrt(v)) / mp.sqrt(v) - 1, lambda v: mp.sqrt(v) / mp.erf(mp.sqrt(v)),
        "erf(x) / x - 1, z = x^2 <= 0.8125"),
    Fit("erf_d32", "f64", 7, 0, "0.8125",
        lambda v: mp.erf(mp.sqrt(v)) / mp.sqrt(v) - 1, lambda v: mp.sqrt(v) / mp.erf(mp.sqrt(v)),
        "erf(x) / x - 1, z = x^2 <= 0.8125, for float32 results"),
    Fit("erfc_d32", "f64", 12, erfc_t(mpf("0.5")), erfc_t(mpf("10.1")),
        lambda t: erfc_target(t) - mpf("1.25"), lambda t: 1 / erfc_target(t),
        "(1 + 2x) exp(x^2) erfc(x) - 1.25, t = (x - 4) / (x + 4), 0.5 <= x <= 10.1, for float32 results"),
    Fit("mills_d32", "f64", 8, 1 / (1 + MILLS_C * 14), 1,
        mills, lambda s: 1 / mills(s),
        "exp(a^2/2) erfc(a / sqrt 2) / 2, s = 1 / (1 + 0.3 a), 0 <= a <= 14, for float32 results"),
    Fit("mills_f32", "f32", 6, 1 / (1 + SLOPE_C * 6), 1,
        lambda s: mills(s, SLOPE_C), lambda s: mp.exp(-((1 / s - 1) / SLOPE_C)**2 / 2),
        "exp(a^2/2) erfc(a / sqrt 2) / 2, s = 1 / (1 + 0.35 a); absolute error of the product with exp(-a^2/2)"),
    Fit("erfc_f64", "f64", 23, erfc_t(mpf("0.5")), erfc_t(mpf("27.5")),
        lambda t: erfc_target(t) - mpf("1.25"), lambda t: 1 / erfc_target(t),
        "(1 + 2x) exp(x^2) erfc(x) - 1.25, t = (x - 4) / (x + 4), 0.5 <= x <= 27.5"),
    Fit("digamma_f64", "f64", 22, "-0.5", "0.5",
        lambda v: mp.digamma(v + mpf("1.5")) / (v + mpf("1.5") - DIGAMMA_ROOT) - 1,
        lambda v: 1 / mp.digamma(v + mpf("1.5")) * (v + mpf("1.5") - DIGAMMA_ROOT),
        "digamma(x) / (x - its root) - 1, v = x - 1.5, 1 <= x <= 2"),
    Fit("digamma_tail_f64", "f64", 14, 0, "0.25",
        digamma_tail, lambda v: v / mp.digamma(1 / mp.sqrt(v)),
        "(log(x) - 1/(2x) - digamma(x)) x^2, v = 1/x^2, x >= 2"),
    Fit("lgamma_d32", "f64", 15, -1, 1,
        lambda v: mp.loggamma(v + 2) / ((v + 1) * v), lambda v: (v + 1) * v / mp.loggamma(v + 2),
        "lgamma(x) / ((x - 1) (x - 2)), v = x - 2, 1 <= x <= 3, for float32 results"),
    Fit("lgamma_tail_d32", "f64", 3, mpf(10)**-12, mpf(1) / 9,
        lgamma_tail, lambda v: mp.sqrt(v) / mp.loggamma(1 / mp.sqrt(v)),
        "(lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2) x, v = 1/x^2, x >= 3, for float32 results"),
    Fit("erfinv_d32", "f64", 11, "-3.125", "3.125",
        lambda v: erfinv_ratio(v + mpf("3.125")) - mpf("1.5"), lambda v: 1 / erfinv_ratio(v + mpf("3.125")),
        "erfinv(x) / x - 1.5, w = -log(1 - x^2), v = w - 3.125, 0 <= w <= 6.25, for float32 results"),
    Fit("erfinv_tail_d32", "f64", 10, "-0.8", "0.8",
        lambda v: erfinv_ratio((v + mpf("3.25"))**2) - mpf("2.75"), lambda v: 1 / erfinv_ratio((v + mpf("3.25"))**2),
        "erfinv(x) / x - 2.75, w = -log(1 - x^2), v = sqrt(w) - 3.25, 6.25 <= w <= 16, for float32 results"),
    Fit("erfinv_f64", "f64", 24, "-3.125", "3.125",
        lambda v: erfinv_ratio(v + mpf("3.125")) - mpf("1.5"), lambda v: 1 / erfinv_ratio(v + mpf("3.125")),
        "erfinv(x) / x - 1.5, w = -log(1 - x^2), v = w - 3.125, 0 <= w <= 6.25"),
    Fit("erfinv_tail_f64", "f64", 21, "-0.8", "0.8",
        lambda v: erfinv_ratio((v + mpf("3.25"))**2) - mpf("2.75"), lambda v: 1 / erfinv_ratio((v + mpf("3.25"))**2),
        "erfinv(x) / x - 2.75, w = -log(1 - x^2), v = sqrt(w) - 3.25, 6.25 <= w <= 16"),
    Fit("erfinv_far_f64", "f64", 20, "-1.1", "1.1",
        lambda v: erfinv_ratio((v + 5)**2) - mpf("4.5"), lambda v: 1 / erfinv_ratio((v + 5)**2),
        "erfinv(x) / x - 4.5, w = -log(1 - x^2), v = sqrt(w) - 5, 16 <= w <= 37"),
]


def round_to(kind, value):
    x = float(value)
    return mpf(struct.unpack("f", struct.pack("f", x))[0]) if kind == "f32" else mpf(x)


def one_exchanged(refs, errors):
    """The reference with the point of the largest error in the place of a neighbour of the same sign."""
    k = max(range(len(errors)), key=lambda j: abs(errors[j]))
    positive = errors[k] > 0
    if k < refs[0]:
        return [k] + (refs[1:] if (errors[refs[0]] > 0) == positive else refs[:-1])
    if k > refs[-1]:
        return (refs[:-1] if (errors[refs[-1]] > 0) == positive else refs[1:]) + [k]
    after = next(i for i, r in enumerate(refs) if r >= k)
    same = after if (errors[refs[after]] > 0) == positive else after - 1
    return refs[:same] + [k] + refs[same + 1:]


def exchange(points, values, weights, first, count):
    """Least maximum of weight * |sum c_i v^(first+i) - value| over the points: (coefficients, error).

    v^first may change its sign inside the interval; errors are taken times that sign, or else they would
    not alternate (only the polynomial behind the factor v^first forms a Haar system).
    """
    n = len(points)
    refs = [round(i * (n - 1) / count) for i in range(count + 1)]
    powers = [abs(v)**first for v in points]
    values = [-y if v < 0 and first % 2 else y for v, y in zip(points, values)]
    for _ in range(500):
        a = mp.matrix(count + 1, count + 1)
        b = mp.matrix(count + 1, 1)
        for row, k in enumerate(refs):
            p = powers[k]
            for col in range(count):
                a[row, col] = p * weights[k]
                p *= points[k]
            a[row, count] = (-1)**row
            b[row] = values[k] * weights[k]
        solution = mp.lu_solve(a, b)
        c = [solution[i] for i in range(count)]
        level = abs(solution[count])
        errors = []
        for k in range(n):
            p = mpf(0)
            for ci in reversed(c):
                p = p * points[k] + ci
            errors.append(weights[k] * (p * powers[k] - values[k]))
        worst = max(abs(e) for e in errors)
        if worst <= level * mpf("1.0005"):
            break
        extrema, start = [], 0                # the largest error of each run of one sign
        for k in range(1, n + 1):
            if k == n or (errors[k] > 0) != (errors[start] > 0):
                extrema.append(max(range(start, k), key=lambda j: abs(errors[j])))
                start = k
        if len(extrema) != count + 1:         # runs to spare: exchange only the worst point, which cannot cycle
            extrema = one_exchanged(refs, errors)
        refs = extrema
    if worst > level * mpf("1.01"):
        raise ArithmeticError(f"no convergence: error {mp.nstr(worst, 4)}, level {mp.nstr(level, 4)}")
    return c, worst


def fit(f):
    """Rounded coefficients, constant term first, and the largest weighted error they leave."""
    n = 30 * (f.degree + 2)
    points = [(f.low + f.high) / 2 - (f.high - f.low) / 2 * mp.cos(mp.pi * (2 * k + 1) / (2 * n)) for k in range(n)]
    wanted = [f.target(v) for v in points]
    weights = [abs(f.weight(v)) for v in points]
    rest, done = list(wanted), []
    for i in range(f.degree + 1):
        c, _ = exchange(points, rest, weights, i, f.degree + 1 - i)
        done.append(round_to(f.kind, c[0]))
        rest = [r - done[-1] * v**i for r, v in zip(rest, points)]
    return done, max(abs(r * w) for r, w in zip(rest, weights))


def emit(f):
    coefficients, error = fit(f)
    ctype, fma, suffix = ("float", "WG_FMAF", "f") if f.kind == "f32" else ("double", "WG_FMA", "")
    lines = [f"/* {f.what}; error 2^{float(mp.log(error, 2)):.1f} */",
             f"WG_INLINE {ctype} wg_poly_{f.name}({ctype} v) {{",
             f"    {ctype} p = {float(coefficients[-1]).hex()}{suffix};"]
    lines += [f"    p = {fma}(p, v, {float(c).hex()}{suffix});" for c in reversed(coefficients[:-1])]
    lines += ["    return p;", "}", ""]
    return "\n".join(lines)


INTRO = """\
/* Polynomials of the maths functions: fitted numbers, written by tools/fit_math.py (change it, not this).
 *
 * f32: float arithmetic. f64: double, for double results. d32: double arithmetic that only has to serve
 * float32 results, so of lower degree. The error given is that of the function the polynomial serves,
 * relative unless it says otherwise, before rounding of the arithmetic. */
#ifndef WG_MATH_TABLES_H
#define WG_MATH_TABLES_H

#include "../wg_kernel.h"
"""


def main(arguments):
    chosen = [a for a in arguments if not a.startswith("-")]
    if chosen:
        print("\n".join(emit(f) for f in FITS if f.name in chosen))
        return 0
    text = INTRO + "\n" + "\n".join(emit(f) for f in FITS) + "\n#endif\n"
    if "--check" in arguments:
        return 0 if text == HEADER.read_text() else 1
    HEADER.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
