"""Elementwise rows: arithmetic, powers, rounding, comparison, selection, bits.

At kinks the derivative is PyTorch's: abs'(0) = 0, a tie of maximum is halved, clamp passes the gradient at its bounds.
"""


def define(op):
    arithmetic(op)
    powers(op)
    rounding(op)
    comparison(op)
    selection(op)
    bits(op)


def arithmetic(op):
    # torch.add and torch.sub carry an alpha; without one they are rows of their own, so that the common case has no attribute
    # and hands its cotangent on as it is.
    op("add", "x, other", y="x + other", vjp={"x": "g", "other": "g"}, linear="x+other")
    op("add_alpha", "x, other, *, alpha: Number = 1", y="x + alpha*other", vjp={"x": "g", "other": "g*alpha"}, linear="x+other", check=True,
       public="add", grad_name="AddBackward0", samples=({"alpha": 2},))
    op("sub", "x, other", y="x - other", vjp={"x": "g", "other": "-g"}, linear="x+other", check=True, aliases=("subtract",))
    op("sub_alpha", "x, other, *, alpha: Number = 1", y="x - alpha*other", vjp={"x": "g", "other": "-g*alpha"}, linear="x+other",
       check=True, public="sub", aliases=("subtract",), grad_name="SubBackward0", samples=({"alpha": 2},))
    op("rsub", "x, other, *, alpha: Number = 1", number_ok="later", y="other - alpha*x", vjp={"x": "-g*alpha", "other": "g"}, linear="x+other",
       check=True, where="t", grad_name="RsubBackward1")
    op("mul", "x, other", y="x*other", vjp={"x": "g*other", "other": "g*x"}, linear=("x", "other"), aliases=("multiply",))
    op("div", "x, other", y="x/other", types="float", vjp={"x": "g/other", "other": "-g*((x/other)/other)"}, linear="x",
       aliases=("divide", "true_divide"), domain=(.5, 4))
    op("neg", "x", y="-x", types="numeric", vjp={"x": "-g"}, check=True, aliases=("negative",))
    op("abs", "x", y="c:abs", types="numeric", vjp={"x": "g*sign(x)"}, aliases=("absolute",))
    op("sign", "x", y="c:sign", vjp={"x": "_zero(g)"}, linear=())
    op("sgn", "x", y="c:sign", vjp={"x": "_zero(g)"}, linear=())
    op("_zero", "x", y="0", vjp={"x": "_zero(g)"}, doc="Zeros like x.")
    op("floor_divide", "x, other", y="c:floor_divide", types="numeric", vjp="not_implemented", check=True, domain=(.5, 4))
    op("div_floor", "x, other", y="c:floor_divide", types="numeric", vjp={"x": "_zero(g)", "other": "_zero(g)"}, linear=(), check=True,
       where="", grad_name="DivBackward2", domain=(.5, 4))
    op("div_trunc", "x, other", y="trunc(x/other)", y_int="c:trunc_divide", types="numeric", vjp={"x": "_zero(g)", "other": "_zero(g)"}, linear=(),
       check=True, where="", grad_name="DivBackward2", domain=(.5, 4))
    op("remainder", "x, other", number_ok="not all", y="c:remainder", types="numeric", vjp={"x": "g", "other": "-g*div_floor(x, other)"}, check=True, domain=(.5, 4))
    op("fmod", "x, other", number_ok="later", y="c:fmod", types="numeric", vjp={"x": "g", "other": "-g*div_trunc(x, other)"}, check=True, domain=(.5, 4))
    op("addcmul", "x, tensor1, tensor2, *, value: Number = 1", y="x + value*tensor1*tensor2",
       vjp={"x": "g", "tensor1": "g*(tensor2*value)", "tensor2": "g*(tensor1*value)"}, number_ok=False, check=True, samples=({}, {"value": .5}))
    op("addcdiv", "x, tensor1, tensor2, *, value: Number = 1", y="x + value*tensor1/tensor2", types="float",
       vjp={"x": "g", "tensor1": "g*(value/tensor2)", "tensor2": "-g*((value*tensor1)/(tensor2*tensor2))"}, number_ok=False, check=True,
       domain=(.5, 4), samples=({}, {"value": .5}))
    op("deg2rad", "x", y="x*(pi/180)", types="float", vjp={"x": "g*(pi/180)"})
    op("rad2deg", "x", y="x*(180/pi)", types="float", vjp={"x": "g*(180/pi)"})


def powers(op):
    op("square", "x", y="x*x", types="numeric", vjp={"x": "g*(2*x)"}, grad_name="PowBackward0")
    op("sqrt", "x", y="c:sqrt", types="float", vjp={"x": "g/(2*y)"}, domain=(.1, 4))
    op("rsqrt", "x", y="c:rsqrt", types="float", vjp={"x": "(-0.5*g)*(y*y*y)"}, domain=(.1, 4))
    op("reciprocal", "x", y="c:reciprocal", types="float", vjp={"x": "-g*(y*y)"}, domain=(.5, 4))
    # A number as exponent is an attribute: the commonest exponents need no pow.
    op("pow_scalar", "x, exponent: Number",
       y="x*x if exponent == 2 else x*x*x if exponent == 3 else sqrt(x) if exponent == 0.5 else rsqrt(x) if exponent == -0.5 else "
         "reciprocal(x) if exponent == -1 else reciprocal(x*x) if exponent == -2 else x if exponent == 1 else pow(x, exponent)",
       y_int="x*x if exponent == 2 else pow(x, exponent)",
       vjp={"x": "_zero(g) if exponent == 0 else g*(2*x) if exponent == 2 else g*(3*(x*x)) if exponent == 3 else "
                 "g*(exponent*pow_scalar(x, exponent - 1))"},
       linear=(), public="pow", grad_name="PowBackward0", domain=(.1, 4), check=True,
       samples=({"exponent": 2}, {"exponent": 3}, {"exponent": .5}, {"exponent": -1.5}, {"exponent": 0}, {"exponent": 1}))
    op("pow", "x, exponent", y="c:pow",
       vjp={"x": "where(exponent == 0, 0, g*(exponent*pow(x, exponent - 1)))",
            "exponent": "g*where(x == 0 and exponent >= 0, 0, y*log(x))"}, grad_name="PowBackward1", domain=(.1, 4))
    op("hypot", "x, other", y="c:hypot", types="float_only", vjp={"x": "g*(x/y)", "other": "g*(other/y)"}, domain=(.1, 4))


def rounding(op):
    zero = {"x": "_zero(g)"}
    for name in ("floor", "ceil", "trunc"):
        op(name, "x", y="c:" + name, y_int="x", types="numeric", vjp=zero, linear=(), aliases=("fix",) if name == "trunc" else ())
    op("round", "x", y="c:round", y_int="x", types="numeric", vjp=zero, linear=())
    op("round_decimals", "x, *, decimals: int", types="float_only",
       y="s = 10**decimals; round(x*s)/s if decimals >= 0 else round(x/10**(0.0-decimals))*10**(0.0-decimals)", vjp=zero, linear=(),
       public="round", grad_name="RoundBackward1", samples=({"decimals": 1}, {"decimals": -1}))
    op("frac", "x", y="c:frac", types="float_only", vjp={"x": "g"}, linear=())
    op("_nan_to_num", "x, nan: float, posinf: float, neginf: float", types="float_only",
       y="where(x != x, nan, where(x == inf, posinf, where(x == -inf, neginf, x)))", vjp={"x": "g*isfinite(x)"},
       samples=({"nan": 0., "posinf": 9., "neginf": -9.},))


def comparison(op):
    for name, sign, alias in (("eq", "==", ()), ("ne", "!=", ("not_equal",)), ("lt", "<", ("less",)), ("le", "<=", ("less_equal",)),
                              ("gt", ">", ("greater",)), ("ge", ">=", ("greater_equal",))):
        op(name, "x, other", y=f"x {sign} other", types="compare", inplace=True, aliases=alias, number_ok="later")
    op("isnan", "x", y="c:isnan", y_int="False", types="predicate", inplace=False)
    op("isinf", "x", y="x == inf or x == -inf", y_int="False", types="predicate", inplace=False)
    op("isfinite", "x", y="c:isfinite", y_int="True", types="predicate", inplace=False)
    op("isposinf", "x", y="x == inf", y_int="False", types="predicate", inplace=False)
    op("isneginf", "x", y="x == -inf", y_int="False", types="predicate", inplace=False)
    op("signbit", "x", y="c:signbit", y_int="x < 0", types="predicate", inplace=False)
    op("isclose", "x, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False", types="compare",
       y="d = abs(x - other); x == other or (isfinite(d) and d <= atol + abs(rtol*other)) or "
         "(equal_nan != 0 and x != x and other != other)",
       computes=("f32", "f64"), inplace=False, doc="Integers are compared as float64: the facade casts them.")
    op("logical_and", "x, other", number_ok=False, y="x and other", types="logical", inplace=True)
    op("logical_or", "x, other", number_ok=False, y="x or other", types="logical", inplace=True)
    op("logical_xor", "x, other", number_ok=False, y="x != other", types="logical", inplace=True)
    op("logical_not", "x", y="not x", types="logical", inplace=True)


def selection(op):
    op("where", "condition, x, other", y="where(condition, x, other)", bools=("condition",), inplace=False, check=True,
       vjp={"condition": "nondiff", "x": "where(condition, g, 0)", "other": "where(condition, 0, g)"}, linear="x+other")
    half = "where(x == other, g/2, g)"
    for name, mine, yours in (("maximum", "<", ">"), ("minimum", ">", "<")):
        op(name, "x, other", y="c:" + name, inplace=False, number_ok=False, aliases=(name[:3],), vjp={"x": f"where(x {mine} other, 0, {half})", "other": f"where(x {yours} other, 0, {half})"})
    for name, sign in (("fmax", ">="), ("fmin", "<=")):
        op(name, "x, other", y="c:" + name, inplace=False, number_ok=False,
           vjp={"x": f"where(x {sign} other or isnan(other), g, 0)", "other": f"where(x {sign} other or isnan(other), 0, g)"})
    op("clamp", "x, min, max", y="minimum(maximum(x, min), max)", aliases=("clip",), grad_name="ClampBackward1", check=True,
       vjp={"x": "where(x >= min and x <= max, g, 0)", "min": "where(min < max and x < min, g, 0)",
            "max": "where(x > max or max < min, g, 0)"})
    op("clamp_min", "x, min", number_ok="later", check=True, y="maximum(x, min)", vjp={"x": "where(x >= min, g, 0)", "min": "where(x < min, g, 0)"})
    op("clamp_max", "x, max", number_ok="later", check=True, y="minimum(x, max)", vjp={"x": "where(x <= max, g, 0)", "max": "where(x > max, g, 0)"})
    op("lerp", "x, end, weight", y="d = end - x; where(abs(weight) < 0.5, x + weight*d, end - d*(1 - weight))", types="float_only",
       vjp={"x": "g*(1 - weight)", "end": "g*weight", "weight": "g*(end - x)"}, number_ok=False, grad_name="LerpBackward1")
    op("lerp_scalar", "x, end, weight: Number",
       y="d = end - x; x + weight*d if weight < 0.5 and weight > -0.5 else end - d*(1 - weight)", types="float_only",
       vjp={"x": "g*(1 - weight)", "end": "g*weight"}, number_ok=False, public="lerp", grad_name="LerpBackward0",
       samples=({"weight": .3}, {"weight": .8}))
    op("copysign", "x, other", number_ok="later", y="c:copysign", types="float", vjp={"x": "g*where(x == 0, 0, y/x)", "other": "_zero(g)"})
    op("heaviside", "x, values", y="c:heaviside", vjp="not_implemented", number_ok=False)


def bits(op):
    for name in ("and", "or", "xor"):
        op("bitwise_" + name, "x, other", y="c:" + name, types="int", vjp="nondiff", domain=(0, 8), number_ok="not all")
    for name, function in (("left_shift", "lshift"), ("right_shift", "rshift")):
        op("bitwise_" + name, "x, other", y="c:" + function, types="int", vjp="nondiff", check=True, domain=(0, 8), number_ok="not all")
    op("bitwise_not", "x", y="c:not", types="int", vjp="nondiff", doc="Bools are negated: the facade sends them to logical_not.")
