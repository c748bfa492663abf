"""Elementwise rows: activations. Constants and branches at kinks are PyTorch's."""

#: 1/sqrt(2 pi) and sqrt(2/pi)
DENSITY, BETA = 0.3989422804014327, 0.7978845608028654


def define(op):
    only = {"types": "float_only"}
    op("relu", "x", y="where(x < 0, 0, x)", types="numeric", check=True, vjp={"x": "where(y <= 0, 0, g)"}, where="tmf", linear=())
    op("leaky_relu", "x, negative_slope: Number = 0.01", y="where(x > 0, x, x*negative_slope)", where="f", inplace=True, check=True,
       vjp={"x": "where(x > 0, g, g*negative_slope)"}, samples=({}, {"negative_slope": .2}), **only)
    op("prelu", "x, weight", y="where(x > 0, x, weight*x)", where="", number_ok=False,
       vjp={"x": "where(x > 0, g, weight*g)", "weight": "where(x > 0, 0, x*g)"}, grad_name="PreluKernelBackward0", **only)
    op("elu", "x, alpha: Number = 1, scale: Number = 1, input_scale: Number = 1", where="f", inplace=True,
       y="where(x < 0, expm1(x*input_scale)*(alpha*scale), x*scale)",
       vjp={"x": "where(x <= 0, g*input_scale*(alpha*scale)*exp(x*input_scale), g*scale)"},
       samples=({}, {"alpha": .5}, {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}), **only)
    op("_gelu_slope", "x", y="c:gelu_slope", vjp={"x": f"g*((2 - x*x)*(exp(x*x*-0.5)*{DENSITY}))"}, types="float")
    op("_gelu_erf", "x", y="c:gelu", vjp={"x": "g*_gelu_slope(x)"}, types="float")
    op("_gelu_tanh", "x", y="c:gelu_tanh", types="float",
       vjp={"x": f"t = tanh({BETA}*(x + 0.044715*(x*x*x))); g*(0.5*(1 + t) + 0.5*x*((1 - t*t)*({BETA}*(1 + 0.134145*(x*x)))))"})
    op("gelu", "x, *, approximate: str{none,tanh} = none", where="f",
       y="_gelu_erf(x) if approximate == 'none' else _gelu_tanh(x)",
       vjp={"x": f"t = tanh({BETA}*(x + 0.044715*(x*x*x))); "
                 "g*_gelu_slope(x) if approximate == 'none' else "
                 f"g*(0.5*(1 + t) + 0.5*x*((1 - t*t)*({BETA}*(1 + 0.134145*(x*x)))))"},
       samples=({}, {"approximate": "tanh"}), **only)
    op("silu", "x", y="c:silu", vjp={"x": "s = sigmoid(x); g*(s*(1 + x*(1 - s)))"}, where="f", inplace=True, **only)
    op("mish", "x", y="x*tanh(softplus(x))", vjp={"x": "s = sigmoid(x); t = tanh(softplus(x)); g*(t + x*s*(1 - t*t))"}, where="f",
       inplace=True, **only)
    op("softplus", "x, beta: Number = 1, threshold: Number = 20", where="f",
       y="z = x*beta; where(z > threshold, x, logaddexp(z, 0)/beta)",
       vjp={"x": "z = exp(x*beta); where(x*beta > threshold, g, g*(z/(z + 1)))"}, samples=({}, {"beta": 2, "threshold": 1}), **only)
    op("logsigmoid", "x", y="c:log_sigmoid", where="f", grad_name="LogSigmoidBackward0",
       vjp={"x": "z = exp(-abs(x)); g*(where(x < 0, 1, 0) - where(x < 0, 1, -1)*(z/(1 + z)))"}, **only)
    op("hardtanh", "x, min_val: Number = -1.0, max_val: Number = 1.0", y="minimum(maximum(x, min_val), max_val)", where="f", inplace=True, check=True,
       vjp={"x": "where(x <= min_val or x >= max_val, 0, g)"}, samples=({}, {"min_val": 0, "max_val": 6}))
    op("hardsigmoid", "x", y="minimum(maximum(x + 3, 0), 6)/6", vjp={"x": "where(x > -3 and x < 3, g*(1/6), 0)"}, where="f",
       inplace=True, **only)
    op("hardswish", "x", y="x*minimum(maximum(x + 3, 0), 6)/6", where="f", inplace=True,
       vjp={"x": "where(x <= -3, 0, where(x < 3, g*(x/3 + 0.5), g))"}, **only)
    op("softshrink", "x, lambd: Number = 0.5", y="where(x > lambd, x - lambd, where(x < -lambd, x + lambd, x*0))", where="f",
       vjp={"x": "where(x >= -lambd and x <= lambd, 0, g)"}, **only)
    op("hardshrink", "x, lambd: Number = 0.5", y="where(x >= -lambd and x <= lambd, 0, x)", where="tmf", inplace=False,
       vjp={"x": "where(x >= -lambd and x <= lambd, 0, g)"}, **only)
    op("threshold", "x, threshold: Number, value: Number", y="where(x <= threshold, value, x)", where="tf", inplace=True, check=True,
       vjp={"x": "where(x <= threshold, 0, g)"}, samples=({"threshold": .5, "value": -1.},))
