"""Elementwise rows: special functions that few programs call, and number theory."""

SQRT_HALF, ROOT_2_PI, TWO_ROOT_PI = 0.7071067811865476, 2.5066282746310002, 1.1283791670955126


def define(op):
    s = {"types": "float", "where": "s", "inplace": False}
    positive = {"domain": (.1, 4), **s}
    op("i0", "x", y="c:i0", vjp={"x": "g*i1(x)"}, types="float", aliases=("special.i0", "special.modified_bessel_i0"))
    op("i0e", "x", y="c:i0e", vjp={"x": "g*(i1e(x) - sign(x)*y)"}, **s)
    op("i1", "x", y="c:i1", vjp={"x": "g*where(x == 0, 0.5, i0(x) - y/where(x == 0, 1, x))"}, aliases=("special.modified_bessel_i1",), **s)
    op("i1e", "x", y="c:i1e", vjp={"x": "g*where(x == 0, 0.5, i0e(x) - y*(sign(x) + 1/where(x == 0, 1, x)))"}, **s)
    op("erfcx", "x", y="c:erfcx", vjp={"x": f"g*(2*x*y - {TWO_ROOT_PI})"}, **s)
    op("log_ndtr", "x", y="c:log_ndtr", vjp={"x": f"g*({TWO_ROOT_PI*SQRT_HALF}/erfcx(x*{-SQRT_HALF}))"}, **s)
    op("ndtri", "x", y="c:ndtri", vjp={"x": f"g*({ROOT_2_PI}*exp(y*y*0.5))"}, types="float", where="s", inplace=False, domain=(.1, .9))
    two = {"number_ok": "not all", "where": "s", "inplace": False, "types": "float"}
    op("zeta", "x, other", y="c:hurwitz", vjp="not_implemented", domain=(1.5, 6), **two)
    for name, sign, alias in (("igamma", "", "gammainc"), ("igammac", "-", "gammaincc")):
        op(name, "x, other", y="c:" + name, number_ok=False, types="float_only", aliases=("special." + alias,), domain=(.1, 4),
           vjp={"x": "not_implemented", "other": f"g*({sign}exp((x - 1)*log(other) - other - lgamma(x)))"})
    op("nextafter", "x, other", y="c:nextafter", vjp={"x": "where(x == other, 0, g)", "other": "_zero(g)"}, linear=(), number_ok=False, types="float_only")
    for name, function in (("bessel_j0", "bessel_j0"), ("bessel_j1", "bessel_j1"), ("bessel_y0", "bessel_y0"), ("bessel_y1", "bessel_y1"),
                           ("modified_bessel_k0", "bessel_k0"), ("modified_bessel_k1", "bessel_k1"), ("airy_ai", "airy_ai"),
                           ("scaled_modified_bessel_k0", "bessel_k0e"), ("scaled_modified_bessel_k1", "bessel_k1e"),
                           ("spherical_bessel_j0", "spherical_j0")):
        op(name, "x", y="c:" + function, vjp="not_implemented", **positive)
    for letter in "tuvw":
        op(f"chebyshev_polynomial_{letter}", "x, n", y="c:chebyshev_" + letter, vjp="not_implemented", domain=(0, 4), **two)
        op(f"shifted_chebyshev_polynomial_{letter}", "x, n", y="c:shifted_" + letter, vjp="not_implemented", domain=(0, 4), **two)
    for name in ("hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"):
        op(name, "x, n", y="c:" + name.replace("_polynomial", ""), vjp="not_implemented", domain=(0, 4), **two)
    for name in ("gcd", "lcm"):
        op(name, "x, other", y="c:" + name, types="int", vjp="nondiff", number_ok=False, domain=(1, 9))
