"""The functions ``torch._foreach_*``, which PyTorch's optimizers and averages of weights are written with: one after the other here."""
from . import Tensor, maximum, minimum

_NAMES = frozenset(("abs", "acos", "add", "addcdiv", "addcmul", "asin", "atan", "ceil", "clamp_max", "clamp_min", "copy", "cos", "cosh", "div",
                    "erf", "erfc", "exp", "expm1", "floor", "frac", "lerp", "lgamma", "log", "log10", "log1p", "log2", "max", "maximum",
                    "minimum", "mul", "neg", "norm", "pow", "reciprocal", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh", "sqrt", "sub",
                    "tan", "tanh", "trunc", "zero"))
_FUNCTIONS = {"clamp_max": lambda x, y: minimum(x, y) if isinstance(y, Tensor) else x.clamp(max=y),
              "clamp_min": lambda x, y: maximum(x, y) if isinstance(y, Tensor) else x.clamp(min=y)}
_FUNCTIONS.update(maximum=_FUNCTIONS["clamp_min"], minimum=_FUNCTIONS["clamp_max"])
_WITHOUT_RESULT = frozenset(("zero", "copy"))


def foreach(name):
    """The function ``_foreach_<name>``; None: there is none.

    It takes a list of tensors; other arguments are lists of as many tensors or numbers, or one for all. Names that end in "_"
    write into the tensors and return None, the others return a list.
    """
    plain = name.removesuffix("_")
    if plain not in _NAMES or plain in _WITHOUT_RESULT and plain == name:
        return None
    inplace = plain != name

    def apply(x, arguments, keywords):
        if plain in _FUNCTIONS:
            y = _FUNCTIONS[plain](x, *arguments)
            return x.copy_(y) if inplace else y
        if plain in ("addcmul", "addcdiv") and len(arguments) == 3:
            *arguments, keywords["value"] = arguments
        return getattr(x, name)(*arguments, **keywords)

    def function(tensors, *arguments, **keywords):
        tensors = list(tensors)
        if not tensors:
            raise RuntimeError("Tensor list must have at least one tensor.")
        columns = []
        for value in (*arguments, *keywords.values()):
            if isinstance(value, (list, tuple)):
                if len(value) != len(tensors):
                    raise RuntimeError(f"Tensor lists must have the same number of tensors, got {len(tensors)} and {len(value)}")
                columns.append(value)
            elif isinstance(value, Tensor) and value.dim() == 1 and len(tensors) > 1 and plain.startswith("addc"):
                columns.append(value.tolist())
            else:
                columns.append([value] * len(tensors))
        n = len(arguments)
        results = []
        for i, x in enumerate(tensors):
            given = [column[i] for column in columns]
            results.append(apply(x, given[:n], dict(zip(keywords, given[n:]))))
        return None if inplace else results

    function.__name__ = function.__qualname__ = f"_foreach_{name}"
    return function
