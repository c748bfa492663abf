"""Elementwise rows: exponentials, logarithms, trigonometry, error and gamma functions."""


def define(op):
    f = {"types": "float"}
    op("exp", "x", y="c:exp", vjp={"x": "g*y"}, **f)
    op("exp2", "x", y="c:exp2", vjp={"x": "g*(y*0.6931471805599453)"}, aliases=("special.exp2",), **f)
    op("expm1", "x", y="c:expm1", vjp={"x": "g*(y + 1)"}, aliases=("special.expm1",), **f)
    positive = {"domain": (.1, 4), **f}
    op("log", "x", y="c:log", vjp={"x": "g/x"}, **positive)
    op("log2", "x", y="c:log2", vjp={"x": "g/(x*0.6931471805599453)"}, **positive)
    op("log10", "x", y="c:log10", vjp={"x": "g/(x*2.302585092994046)"}, **positive)
    op("log1p", "x", y="c:log1p", vjp={"x": "g/(x + 1)"}, aliases=("special.log1p",), types="float", domain=(-.9, 4))
    op("logaddexp", "x, other", types="float_only", inplace=False, number_ok=False,
       y="c:logaddexp",
       vjp={"x": "g/(1 + exp(other - x))", "other": "g/(1 + exp(x - other))"})
    op("logaddexp2", "x, other", types="float_only", inplace=False, number_ok=False,
       y="where(x == other, x + 1, maximum(x, other) + log1p(exp2(-abs(x - other)))*1.4426950408889634)",
       vjp={"x": "g/(1 + exp2(other - x))", "other": "g/(1 + exp2(x - other))"})
    op("xlogy", "x, other", number_ok="not all", y="c:xlogy", aliases=("special.xlogy",), domain=(.1, 4),
       vjp={"x": "where(x == 0 and other <= 0, 0, g*log(other))", "other": "g*x/other"}, **f)

    op("sin", "x", y="c:sin", vjp={"x": "g*cos(x)"}, **f)
    op("cos", "x", y="c:cos", vjp={"x": "g*-sin(x)"}, **f)
    op("tan", "x", y="c:tan", vjp={"x": "g*(1 + y*y)"}, types="float", domain=(-1.4, 1.4))
    inside = {"domain": (-.9, .9), **f}
    op("asin", "x", y="c:asin", vjp={"x": "g*rsqrt(1 - x*x)"}, aliases=("arcsin",), **inside)
    op("acos", "x", y="c:acos", vjp={"x": "g*-rsqrt(1 - x*x)"}, aliases=("arccos",), **inside)
    op("atan", "x", y="c:atan", vjp={"x": "g/(x*x + 1)"}, aliases=("arctan",), **f)
    op("atan2", "x, other", number_ok=False, y="c:atan2", aliases=("arctan2",), domain=(.1, 4),
       vjp={"x": "q = x*x + other*other; g*other*where(q == 0, 0, reciprocal(q))",
            "other": "q = x*x + other*other; g*-x*where(q == 0, 0, reciprocal(q))"}, **f)
    op("sinh", "x", y="c:sinh", vjp={"x": "g*cosh(x)"}, **f)
    op("cosh", "x", y="c:cosh", vjp={"x": "g*sinh(x)"}, **f)
    op("tanh", "x", y="c:tanh", vjp={"x": "g*(1 - y*y)"}, where="tmf", **f)
    op("asinh", "x", y="c:asinh", vjp={"x": "g*rsqrt(x*x + 1)"}, aliases=("arcsinh",), **f)
    op("acosh", "x", y="c:acosh", vjp={"x": "g*rsqrt(x*x - 1)"}, aliases=("arccosh",), types="float", domain=(1.1, 4))
    op("atanh", "x", y="c:atanh", vjp={"x": "g/(1 - x*x)"}, aliases=("arctanh",), **inside)
    op("sinc", "x", y="z = x*pi; where(x == 0, 1, sin(z)/z)",
       vjp={"x": "z = x*pi; q = x*x*pi; where(q == 0, 0, g*((z*cos(z) - sin(z))/q))"}, aliases=("special.sinc",), **f)

    op("sigmoid", "x", y="c:sigmoid", vjp={"x": "g*((1 - y)*y)"}, where="tmf", aliases=("special.expit",), **f)
    op("logit", "x, eps: float? = None", aliases=("special.logit",), types="float", domain=(.1, .9), samples=({}, {"eps": .2}),
       y="z = maximum(minimum(x, 1 - eps), eps) if eps is not None else x; log(z/(1 - z))",
       vjp={"x": "where(x < eps or x > 1 - eps, 0, g/(x*(1 - x))) if eps is not None else "
                 "g/where(x < 0 or x > 1, nan, x*(1 - x))"})
    op("erf", "x", y="c:erf", vjp={"x": "g*(1.1283791670955126*exp(-(x*x)))"}, aliases=("special.erf",), **f)
    op("erfc", "x", y="c:erfc", vjp={"x": "g*(-1.1283791670955126*exp(-(x*x)))"}, aliases=("special.erfc",), **f)
    op("erfinv", "x", y="c:erfinv", vjp={"x": "g*(0.886226925452758*exp(y*y))"}, aliases=("special.erfinv",), **inside)
    op("lgamma", "x", y="c:lgamma", vjp={"x": "g*digamma(x)"}, aliases=("special.gammaln",), **positive)
    op("digamma", "x", y="c:digamma", vjp={"x": "g*polygamma(1, x)"}, aliases=("special.digamma", "special.psi"), **positive)
    op("polygamma", "n: int, x", y="c:polygamma", vjp={"x": "g*polygamma(n + 1, x)"}, aliases=("special.polygamma",), check=True,
       samples=({"n": 1}, {"n": 2}, {"n": 3}), types="float", domain=(.5, 9))
    op("xlog1py", "x, other", number_ok="not all", y="where(x == 0 and other == other, 0, x*log1p(other))", where="", aliases=("special.xlog1py",),
       vjp={"x": "where(x == 0 and other <= -1, 0, g*log1p(other))", "other": "g*x/(other + 1)"}, **positive)
    op("entr", "x", y="where(x > 0, -x*log(x), where(x == 0, 0, where(x < 0, -inf, x)))", where="s", inplace=False,
       vjp={"x": "g*(-log(x) - 1)"}, **positive)
    op("ndtr", "x", y="c:ndtr", where="s", inplace=False,
       vjp={"x": "g*(exp(x*x*-0.5)*0.3989422804014327)"}, **f)
