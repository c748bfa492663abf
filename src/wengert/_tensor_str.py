"""How tensors print: PyTorch's layout, character for character.

The functions here need only a small part of a tensor: `shape`, `dtype`, `detach()`, indexing, `tolist()`, `grad_fn` and
`requires_grad`; so they can be compared with PyTorch on PyTorch's own tensors.
"""
import contextlib
import math

__all__ = ["set_printoptions"]

PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


class PrintOptions:
    """What `set_printoptions` sets; `sci_mode` None lets each tensor choose."""

    __slots__ = ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")

    def __init__(self):
        self.sci_mode = None
        self.update(PROFILES["default"])

    def update(self, values):
        for name, value in values.items():
            setattr(self, name, value)

    def as_dict(self):
        return {name: getattr(self, name) for name in self.__slots__}


PRINT_OPTS = PrintOptions()


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """Sets how tensors are printed.

    Args:
        precision: digits after the point (default 4).
        threshold: tensors with more elements are summarised (default 1000).
        edgeitems: elements shown at each end of a summarised dimension (default 3).
        linewidth: characters a line (default 80).
        profile: "default", "short" or "full"; the arguments above override it. Other names are ignored.
        sci_mode: True or False switches scientific notation on or off for all tensors; None lets each tensor
            choose (the default, and set anew by every call).
    """
    if profile is not None:
        PRINT_OPTS.update(PROFILES.get(profile, {}))
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    PRINT_OPTS.update({name: value for name, value in given.items() if value is not None})
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions():
    """Returns the options in force as a dictionary of `set_printoptions`' arguments."""
    return PRINT_OPTS.as_dict()


@contextlib.contextmanager
def printoptions(**options):
    """`set_printoptions` for the length of a `with` block."""
    before = PRINT_OPTS.as_dict()
    set_printoptions(**options)
    try:
        yield
    finally:
        PRINT_OPTS.update(before)


# ---- one element -----------------------------------------------------------------------------------------------------

class NumberFormat:
    """One format for all elements of a tensor, chosen from those that will be shown.

    Floats print as integers with a point ("2.") when all are whole, in scientific notation when they span more than
    three decades, exceed 1e8 or are smaller than 1e-4, and else with a fixed number of digits.
    """

    def __init__(self, values, floating):
        self.width = 1
        if not floating:
            self.text = str
            self.width = max((len(str(value)) for value in values), default=1)
            return
        precision = PRINT_OPTS.precision
        scientific, fixed, whole = f"{{:.{precision}e}}".format, f"{{:.{precision}f}}".format, self.whole
        ordinary = [value for value in values if value != 0 and math.isfinite(value)]
        self.text = whole
        if ordinary:
            integral = all(value.is_integer() for value in ordinary)
            sizes = [abs(value) for value in ordinary]
            largest, smallest = max(sizes), min(sizes)
            wide = largest / smallest > 1000.0 or largest > 1e8 or (not integral and smallest < 1e-4)
            if PRINT_OPTS.sci_mode is not None:
                wide = PRINT_OPTS.sci_mode
            self.text = scientific if wide else whole if integral else fixed
            self.width = max(len(self.text(value)) for value in ordinary)

    @staticmethod
    def whole(value):
        return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"

    def __call__(self, value):
        return self.text(value).rjust(self.width)


# ---- layout ----------------------------------------------------------------------------------------------------------

class Gap:
    """Stands for the elements that a summary leaves out."""


def shown(x, shape, summarize):
    """The elements that will be printed as nested lists; a Gap stands in the place of those left out."""
    if not summarize or not shape:
        return x.tolist()
    n, edge = shape[0], PRINT_OPTS.edgeitems
    if len(shape) == 1:
        if n <= 2 * edge:
            return x.tolist()
        return x[:edge].tolist() + [Gap] + (x[n - edge:].tolist() if edge else [])
    if n <= 2 * edge:
        return [shown(x[i], shape[1:], True) for i in range(n)]
    ends = [[shown(x[i], shape[1:], True) for i in indices] for indices in (range(edge), range(n - edge, n))]
    return ends[0] + [Gap] + ends[1]


def leaves(nested):
    """All numbers of nested lists."""
    if not isinstance(nested, list):
        return [] if nested is Gap else [nested]
    return [value for part in nested for value in leaves(part)]


def layout(nested, dims, indent, form):
    """The text of nested lists, brackets included; continuation lines are indented under the first element."""
    if dims == 0:
        return form(nested)
    if dims == 1:
        per_line = max(1, (PRINT_OPTS.linewidth - indent) // (form.width + 2))
        words = ["..." if value is Gap else form(value) for value in nested]
        if len(words) > 1 and Gap in nested:
            words[nested.index(Gap)] = " ..."                    # PyTorch sets it apart, unless nothing else is shown
        lines = [", ".join(words[i:i + per_line]) for i in range(0, len(words), per_line)] or [""]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    parts = ["..." if part is Gap else layout(part, dims - 1, indent + 1, form) for part in nested]
    return "[" + ("," + "\n" * (dims - 1) + " " * (indent + 1)).join(parts) + "]"


def contents(x, indent):
    """The text of a tensor's elements, without name and suffixes."""
    shape = tuple(x.shape)
    summarize = math.prod(shape) > PRINT_OPTS.threshold
    nested = shown(x, shape, summarize)
    return layout(nested, len(shape), indent, NumberFormat(leaves(nested), x.dtype.is_floating_point))


def suffixes(x, default_dtype):
    """What follows the elements: size and dtype where they do not go without saying, and where gradients flow."""
    found = []
    empty = math.prod(x.shape) == 0
    if (len(x.shape) != 1) if empty else (PRINT_OPTS.edgeitems == 0):
        found.append(f"size={tuple(x.shape)}")
    if empty:
        implied = x.dtype == default_dtype
    else:
        implied = x.dtype == default_dtype or str(x.dtype).rpartition(".")[2] in ("int64", "bool")
    if not implied:
        found.append(f"dtype={x.dtype}")
    try:
        grad_fn = x.grad_fn
    except RuntimeError:                     # a view made under no_grad whose base was written to since
        found.append("grad_fn=<Invalid>")
    else:
        if grad_fn is not None:
            found.append(f"grad_fn=<{type(grad_fn).__name__}>")
        elif x.requires_grad:
            found.append("requires_grad=True")
    return found


def class_name(x):
    """Tensors and parameters print as "tensor", subclasses under their own name."""
    kind = type(x)
    own = kind.__name__ in ("Tensor", "Parameter") and kind.__module__.partition(".")[0] in ("wengert", "torch")
    return "tensor" if own else kind.__name__


def tensor_repr(x, *, tensor_contents=None, default_dtype=None):
    """The text of a tensor.

    Args:
        x: the tensor.
        tensor_contents: stands in place of the elements when given.
        default_dtype: the dtype that is not mentioned; None takes `get_default_dtype()`.
    """
    if default_dtype is None:
        from wengert import get_default_dtype
        default_dtype = get_default_dtype()
    text = class_name(x) + "("
    indent = len(text)
    if tensor_contents is not None:
        text += tensor_contents
    elif math.prod(x.shape) == 0:
        text += "[]"
    else:
        text += contents(x.detach(), indent)
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes(x, default_dtype):
        if column + len(suffix) + 2 > PRINT_OPTS.linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"


def tensor_format(x, spec):
    """`format(x, spec)`: a 0-d tensor formats as its number; others, and those of subclasses, accept no format."""
    if len(x.shape) == 0 and type(x).__name__ == "Tensor":
        return format(x.item(), spec)
    if spec:
        raise TypeError(f"unsupported format string passed to {type(x).__name__}.__format__")
    return str(x)
