"""Orthogonal polynomials of any degree, incomplete gamma functions of any order, polygamma of any argument: each in bounded time, and right."""
import math

import mpmath
import pytest

import wengert

special, f64 = wengert.special, wengert.float64
HUGE = [2 ** 31, 2 ** 40, 2.0 ** 62, 1e300, math.inf]
CHEBYSHEV = [f"{shifted}chebyshev_polynomial_{letter}" for shifted in ("", "shifted_") for letter in "tuvw"]
EVERY = CHEBYSHEV + ["hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"]


def call(name, x, n):
    return getattr(special, name)(wengert.tensor([x], dtype=f64), n).item()


def by_recurrence(name, x, n):
    """In 40 digits."""
    with mpmath.workdps(40):
        x = mpmath.mpf(x)
        if name.startswith("shifted_"):
            x, name = 2 * x - 1, name[8:]
        p, q = mpmath.mpf(1), {"t": x, "u": 2 * x, "v": 2 * x - 1, "w": 2 * x + 1, "p": x, "l": 1 - x}[name[-1]]
        for k in range(1, n):
            p, q = q, (2 * x * q - p if "chebyshev" in name else ((2 * k + 1) * x * q - k * p) / (k + 1) if name[-1] == "p" else
                       ((2 * k + 1 - x) * q - k * p) / (k + 1))
        return float(q)


@pytest.mark.parametrize("name", EVERY)
def test_any_degree_returns(name):
    x = wengert.tensor([0, .3, -.5, 1, -1, 1.5, -2, 1e-300, 1e10, -1e10, 1e300, math.inf, -math.inf, 1 + 2 ** -52, 1 - 2 ** -53], dtype=f64)
    function = getattr(special, name)
    for n in HUGE:
        by_number = function(x, n)
        assert by_number.shape == x.shape
        assert wengert.allclose(function(x, wengert.full_like(x, n)), by_number, rtol=0, atol=0, equal_nan=True)
        assert function(x.float(), n).dtype == wengert.float32
        assert function(0.25, wengert.tensor([n], dtype=f64)).shape == (1,)
    assert math.isnan(call(name, math.nan, 2 ** 40))
    assert call(name, .5, -2 ** 40) == 0
    function(wengert.ones(100, 100) * .25, 3000)            # as long as it can take


@pytest.mark.parametrize("n", [32, 33, 34, 1001])
@pytest.mark.parametrize("name", CHEBYSHEV)
def test_chebyshev_of_large_degree(name, n):
    shift = (lambda x: (x + 1) / 2) if name.startswith("shifted") else lambda x: x
    for x in map(shift, (0, .3, -.5, .999, -.999, 1, -1, 1.001, -1.001, 1.25, -1.25)):
        expected = by_recurrence(name, x, n)
        assert call(name, x, n) == pytest.approx(expected, rel=1e-11, abs=1e-11), x


def test_chebyshev_at_the_ends():
    n = 2 ** 40
    assert [call("chebyshev_polynomial_" + letter, 1, n) for letter in "tuvw"] == [1, n + 1, 1, 2 * n + 1]
    assert [call("chebyshev_polynomial_" + letter, -1, n + 1) for letter in "tuvw"] == [-1, -n - 2, -2 * n - 3, -1]
    assert [call("chebyshev_polynomial_" + letter, -2, n + 1) for letter in "tuvw"] == [-math.inf] * 4


@pytest.mark.parametrize("n", [3001, 10002])
def test_legendre_and_laguerre_beyond_the_recurrence(n):
    for x in (1 - 1e-12, .999999, .5, -.3, .01, 1.00001, -1.001, 1 + 1e-12):
        size = min(1, 1 / math.sqrt(n * math.sqrt(abs(1 - x * x))))
        assert call("legendre_polynomial_p", x, n) == pytest.approx(by_recurrence("p", x, n), rel=1e-9, abs=1e-10 * size), x
    for x in (-10, -1, -1e-5, 1e-7, .1, 3, 100, 1000):
        size = math.exp(x / 2) if x > 0 else 0
        assert call("laguerre_polynomial_l", x, n) == pytest.approx(by_recurrence("l", x, n), rel=2e-6, abs=3e-5 * size), x
    assert call("laguerre_polynomial_l", 0, n) == call("legendre_polynomial_p", 1, n) == 1
    assert call("legendre_polynomial_p", -1, n) == (-1) ** n
    assert call("laguerre_polynomial_l", 1e6, n) == (-1) ** n * math.inf


@pytest.mark.parametrize("a", [1e4 + 1, 1e6, 1e9, 1e13])
def test_incomplete_gamma_of_large_order(a):
    for steps in (-6, -3, -.5, 0, .01, 1, 5):               # in standard deviations, of which one is sqrt(a)
        x = a + steps * math.sqrt(a)
        with mpmath.workdps(50):                            # P = 1/2 erfc(...) is only its leading term: the whole by the integral
            spread = mpmath.sqrt(a)
            density = lambda u: mpmath.exp((a - 1) * mpmath.log1p(u * spread / a) - u * spread)
            near, far = mpmath.quad(density, [-14, -6, steps]), mpmath.quad(density, [steps, 6, 14])
            expected = float(near / (near + far)), float(far / (near + far))
        got = [getattr(special, f)(wengert.tensor(a, dtype=f64), wengert.tensor(x, dtype=f64)).item() for f in ("gammainc", "gammaincc")]
        assert got == pytest.approx(expected, rel=1e-9 if a < 1e12 else 1e-7), steps     # x itself is rounded


def test_incomplete_gamma_of_a_matrix_returns():
    a = wengert.full((300, 200), 1e12, dtype=f64)
    assert special.gammainc(a, a).sum().item() == pytest.approx(30000, rel=1e-5)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_polygamma_far_below_zero(n):
    for x in (-20.25, -25.75, -1000.3, -1e4 - .125):
        assert wengert.polygamma(n, wengert.tensor(x, dtype=f64)).item() == pytest.approx(float(mpmath.polygamma(n, x)), rel=1e-12), x
    assert wengert.polygamma(n, wengert.full((300, 200), -1e7 - .5, dtype=f64)).isfinite().all()
