"""Elementwise rows."""


def define(op):
    op("add", "x, other", y="x + other", vjp={"x": "g", "other": "g"}, linear="x+other")
    op("add_alpha", "x, other, *, alpha: Number = 1", y="x + alpha*other", vjp={"x": "g", "other": "g*alpha"},
       linear="x+other", public="add", grad_name="AddBackward0", samples=({"alpha": 2},))
    op("sub", "x, other", y="x - other", vjp={"x": "g", "other": "-g"}, linear="x+other")
    op("mul", "x, other", y="x*other", vjp={"x": "g*other", "other": "g*x"}, linear=("x", "other"))
    op("div", "x, other", y="x/other", types="float", vjp={"x": "g/other", "other": "-g*((x/other)/other)"}, linear="x")
    op("neg", "x", y="-x", types="numeric", vjp={"x": "-g"})
    op("where", "condition, x, other", y="where(condition, x, other)", bools=("condition",),
       vjp={"condition": "nondiff", "x": "where(condition, g, 0)", "other": "where(condition, 0, g)"}, linear="x+other")
    for name, sign in (("eq", "=="), ("ne", "!="), ("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">=")):
        op(name, "x, other", y=f"x {sign} other", types="compare")
    op("logical_and", "x, other", y="x and other", types="logical")
    op("logical_or", "x, other", y="x or other", types="logical")
    op("logical_not", "x", y="not x", types="logical")
    op("square", "x", y="x*x", types="any", vjp={"x": "g*(2*x)"}, grad_name="PowBackward0")
    op("exp", "x", y="c:exp", types="float", vjp={"x": "g*y"})
    op("tanh", "x", y="c:tanh", types="float", vjp={"x": "g*(1 - y*y)"})
    op("sigmoid", "x", y="c:sigmoid", types="float", vjp={"x": "g*((1 - y)*y)"}, aliases=("special.expit",))
    op("relu", "x", y="where(x < 0, 0, x)", vjp={"x": "where(y > 0, g, 0)"}, where="tmf")
    op("leaky_relu", "x, negative_slope: float = 0.01", y="where(x > 0, x, x*negative_slope)", types="float_only",
       vjp={"x": "where(x > 0, g, g*negative_slope)"}, where="f", samples=({}, {"negative_slope": 0.2}))
