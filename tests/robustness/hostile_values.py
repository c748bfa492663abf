"""Values that no call should survive by luck, as expressions: a call that went wrong can be read, and typed again."""
import collections
import ctypes

import wengert
from wengert import nn


class Raises:
    """Everything that a conversion may ask for raises."""

    def refuse(self, *args):
        raise ZeroDivisionError("hostile")

    __index__ = __int__ = __float__ = __bool__ = __len__ = __getitem__ = __iter__ = __call__ = __array__ = __contains__ = refuse


class Lies:
    """A sequence of three with a hundred elements; a number that is none."""

    def __len__(self):
        return 3

    def __getitem__(self, i):
        if isinstance(i, int) and i > 100:
            raise IndexError(i)
        return 1

    def __index__(self):
        return "1"

    def __float__(self):
        return None


class Huge:
    def __len__(self):
        return 2**62

    def __getitem__(self, i):
        if isinstance(i, int) and i > 100:                 # tuple(x) would not end, whoever calls it
            raise IndexError(i)
        return 1.0


class Does:
    """A number, as index, float and length, that does something each time it is asked."""

    def __init__(self, action, value=1):
        self.action, self.value = action, value

    def __index__(self):
        self.action()
        return self.value

    __int__ = __len__ = __index__

    def __float__(self):
        self.action()
        return float(self.value)

    def __getitem__(self, i):
        self.action()
        if i >= self.value:
            raise IndexError(i)
        return self.value

    def __call__(self, *args, **kwargs):
        self.action()
        return args[0] if args else None


class Counts:
    """A number as index only: what NumPy does not take for a sequence (it does not survive lists that change)."""

    def __init__(self, action):
        self.action = action

    def __index__(self):
        self.action()
        return 1


class Sub(wengert.Tensor):
    """A subclass whose attributes lie."""

    shape = property(lambda self: (7,) * 40)

    def contiguous(self, *args, **kwargs):
        return 3

    def detach(self):
        return None

    def size(self, *args):
        return 2**40

    def unbind(self, dim=0):
        return [1, 2]


class Plain(wengert.Tensor):
    """A subclass of no particular behaviour."""


class Overrides:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented


class FakeClass:
    __bases__ = (wengert.Tensor,)


def T(*shape, dtype=wengert.float32, grad=False):
    """Small numbers of both signs."""
    n = 1
    for s in shape:
        n *= s
    x = (wengert.arange(n, dtype=wengert.int64) * 7 % 11 - 3).to(dtype).reshape(shape)
    return x.requires_grad_() if grad else x


def leaf(*shape):
    return T(*shape, grad=True)


def computed(*shape):
    return leaf(*shape) * 2


def sub(cls, *shape):
    return T(*shape).as_subclass(cls)


def cleared():
    """A list that empties itself when its first element is converted."""
    items = []
    items.extend([Counts(items.clear)] + [1] * 70)
    return items


def grown():
    items = []
    items.extend([Counts(lambda: items.extend([1] * 100))] + [1] * 3)
    return items


def loop(cls=list):
    items = []
    items.append(items)
    return items if cls is list else cls(items)


def strided(*args, **kwargs):
    import numpy
    return numpy.lib.stride_tricks.as_strided(numpy.zeros(4, dtype=kwargs.pop("dtype", "float32")), *args, **kwargs)


def array(text):
    import numpy
    return eval(text, {"np": numpy})


class Victim:
    """A tensor that conversions of other arguments change while a call is being parsed."""

    def __init__(self):
        self.x = T(4, 3)
        self.w = leaf(3, 3)
        self.layer = nn.Linear(3, 3)

    def data(self):
        self.x.data = T(1)
        self.w.data = T(2)

    def resize(self):
        self.x.resize_(0)

    def replace(self):
        self.x = self.w = None
        self.layer._parameters.clear()
        self.layer.__dict__.clear()

    def view(self):
        self.x[1:].mul_(2)

    def grow(self):
        self.x.data = T(300, 300)


def hook_raises(x):
    x.register_hook(Raises())
    return x


def hooked(x, result):
    x.register_hook(lambda g: result)
    return x


def spent():
    x = leaf(3, 3)
    y = x.exp()
    y.sum().backward()
    return y


def function(forward=lambda x: x * 1, backward=lambda g: g):
    class F(wengert.autograd.Function):
        @staticmethod
        def forward(ctx, *args):
            ctx.save_for_backward(*[a for a in args if isinstance(a, wengert.Tensor)])
            return forward(*args)

        @staticmethod
        def backward(ctx, *g):
            return backward(*g)
    return F


Pair = collections.namedtuple("Pair", "a b")
c_floats = (ctypes.c_float * 6)()
c_struct = type("S", (ctypes.Structure,), {"_fields_": [("a", ctypes.c_int), ("b", ctypes.c_double)]})

INTS = ["0", "1", "-1", "2", "3", "-2", "5", "24", "25", "63", "64", "65", "1000", "2**31 - 1", "2**31", "2**31 + 1", "-2**31", "2**32", "2**40", "2**53",
        "2**62", "2**63 - 1", "2**63", "-2**63", "-2**63 - 1", "2**64", "10**30", "True", "V.x.numel()"]
FLOATS = ["0.0", "-0.0", "1.0", "0.5", "-1.5", "1e-300", "1e300", "-1e300", "5e-324", "float('nan')", "float('inf')", "-float('inf')", "1e10"]
SHAPES = ["()", "(2, 3)", "[3]", "(0,)", "(0, 2**40)", "(2**31, 2**31)", "(2**62, 4)", "(2**32, 2**32, 0)", "(-1,)", "(-1, -1)", "(1,) * 24", "(2,) * 24",
          "(1,) * 25", "(1,) * 200", "[2, None]", "(1.5,)", "loop()", "cleared()", "grown()", "(True, 2)", "(0, 1)", "(1, 0)", "(0, 0)", "(-1, 0)", "(1, 1)",
          "(2**63,)", "(-2**63,)", "(2**31,)", "(2**20, 2**20)", "(2, 2)", "(0, 1, 2)", "[0, 0, 2**62, 2**62]", "(-2, 1)", "(1, 2, 3, 4)", "range(3)",
          "wengert.Size([2, 3])", "T(3, dtype=i64)", "(T(dtype=i64), 1)", "Does(V.data)", "(Does(V.resize), 1)", "(Does(V.view), 2)", "[Does(V.grow), 3]",
          "Lies()", "Huge()"]
TENSORS = ["T(2, 3)", "T(3)", "T(3, 3)", "T(4, 3)", "T(2, 3, 4)", "T(1, 2, 5, 5)", "T()", "T(0)", "T(0, 3)", "T(3, 0)", "T(2, 0, 4)", "T(1)", "T(1, 1)", "T(9)",
           "leaf(3, 3)", "leaf(4, 3)", "leaf(3)", "leaf(2, 3, 4)", "leaf()", "leaf(0, 3)", "computed(3, 3)", "computed(4, 3)", "computed(3)", "leaf(1, 2, 5, 5)",
           "T(4, 3).t()", "T(6, 6)[::2, 1::2]", "T(5)[::2]", "T(1).expand(3)", "T(3, 1).expand(3, 4)", "computed(3, 3).t()", "computed(6, 6)[::2, ::3]",
           "leaf(3, 1).expand(3, 4)", "T(0, 3).expand(0, 3)", "T(3, 3, dtype=f64)", "leaf(3, 3).double()", "T(3, dtype=i64)", "T(3, 3, dtype=i64)",
           "T(2, dtype=i64)", "T(dtype=i64)", "T(3, dtype=wengert.int32)", "T(3, 3, dtype=wengert.int8)", "T(3, dtype=wengert.uint8)",
           "T(3, 3, dtype=wengert.int16)", "T(3, dtype=wengert.bool)", "T(3, 3, dtype=wengert.bool)", "T(4, 3, dtype=wengert.bool)", "T(dtype=wengert.bool)",
           "T(3, 3, dtype=wengert.float16)", "T(3, dtype=wengert.bfloat16)", "T(3) * nan", "T(3, 3) / 0", "T(3, 3) * 1e38 * 10", "T(3, dtype=f64) * nan",
           "wengert.tensor([2**62, -2**63, 2**63 - 1])", "wengert.tensor([2**40, -1, 5])", "wengert.tensor(-2**63)", "wengert.tensor([0, 2, 1])",
           "wengert.tensor([[0, 1, 2], [2, 1, 0], [1, 1, 1]])", "wengert.tensor([0, -1, 3])", "T(3, 3).requires_grad_().detach()", "T(1,)[0]",
           "T(*[1] * 24)", "T(2, 2, 2, 2, 2, 2, 2)", "T(300, 200)", "leaf(300, 200)", "T(200, 300).t()", "V.x", "V.w", "V.x.t()", "V.x[1:]",
           "nn.Parameter(T(3, 3))", "sub(Sub, 3, 3)", "sub(Sub, 3)", "sub(Plain, 3, 3)", "spent()", "hook_raises(computed(3, 3))", "hooked(computed(3, 3), 5)",
           "hooked(computed(3, 3), T(7))", "hooked(leaf(3, 3), T(3, 3, dtype=i64))", "function().apply(leaf(3, 3))",
           "function(backward=lambda g: (g, g)).apply(leaf(3, 3))", "function(backward=lambda g: T(7)).apply(leaf(3, 3))",
           "function(backward=lambda g: 5).apply(leaf(3, 3))", "function(backward=lambda g: None).apply(leaf(3, 3))",
           "wengert.inference_mode()(lambda: T(3, 3))()", "wengert.from_numpy(array('np.zeros((3, 3), dtype=\"float32\")'))"]
# More elements than there can be: for functions whose result has as many, or that look at the shape only.
HUGE = ["T(1).expand(2**40)", "T(1, 1).expand(2**31, 2**31)", "T(1).expand(2**62)", "leaf(1).expand(2**40)", "T(1, dtype=wengert.uint8).expand(2**40)",
        "T(1, 3).expand(2**40, 3)", "T(3, 1).expand(3, 2**40)", "T(0, 1).expand(0, 2**62)", "computed(1).expand(2**39)", "T(1, dtype=i64).expand(2**40)"]
OF_HUGE = ["unbind", "split", "chunk", "tensor_split", "hsplit", "vsplit", "dsplit", "view", "reshape", "expand", "permute", "transpose", "t", "squeeze", "unsqueeze",
           "flatten", "unflatten", "narrow", "select", "clone", "contiguous", "add", "mul", "exp", "sub", "where", "repeat", "roll", "flip", "tolist", "__iter__",
           "double", "long", "to", "type", "numpy", "__array__", "__dlpack__", "__deepcopy__", "__reduce_ex__", "__getitem__", "__setitem__", "fill_", "zero_", "unfold",
           "movedim", "diagonal", "as_strided", "view_as", "expand_as", "detach", "data_ptr", "element_size", "size", "stride", "__len__", "__repr__", "tile",
           "repeat_interleave", "cumsum", "sort", "argsort", "softmax", "log_softmax", "tril", "triu", "masked_fill", "copy_", "add_", "new_zeros", "new_full", "clamp",
           "sigmoid", "pow", "neg", "matrix_power", "resize_", "requires_grad_", "index_fill", "swapaxes", "rot90", "fliplr", "flipud", "cos", "gather", "take",
           "sum", "mean", "prod", "max", "min", "amax", "argmin", "any", "all", "var", "norm", "logsumexp", "count_nonzero", "aminmax", "dot", "nonzero", "equal",
           "masked_select", "median", "broadcast_to", "bernoulli", "normal_", "uniform_", "exponential_"]
SEQUENCES = ["[]", "()", "[T(3), T(3)]", "(T(2, 3), T(2, 3))", "[T(3), None]", "[T(3), 1]", "[T(0), T(3)]", "[leaf(3, 3)] * 3", "[T(3)] * 100", "[loop()]",
             "loop()", "loop(tuple)", "[1, 2.5, True]", "[[1, 2], [3]]", "[[], [1]]", "[1, 'x']", "[T(1), 3]", "[T(3, dtype=i64), slice(None)]", "[None] * 30",
             "cleared()", "grown()", "[Raises()]", "[V.x, Does(V.replace)]", "[T(3, 3), T(3, 3, dtype=i64)]", "{'a': T(3)}",
             "[nan, inf]", "[2**64]", "[-2**63, 2**63 - 1]", "[computed(3, 3), T(4, 4)]", "Pair(T(3), T(3))", "[T(2, 2)] * 5", "[[T(1), T(1)], [T(1), T(1)]]"]
# No classes of tensors: CPython 3.11 to 3.13 crash at x.dim() with such an x once that place has seen tensors, as at x.split() with str for x.
OTHER = ["None", "'x'", "'mean'", "'sum'", "'none'", "''", "b'abc'", "1j", "Ellipsis", "slice(None)", "slice(2**70, -2**70, -1)", "slice(Does(V.data), 3)",
         "slice(0, 10, 2**63 - 1)", "slice(Raises(), None)", "object()", "Raises()", "Lies()", "Huge()", "Does(V.data)", "Does(V.resize, 0)", "Does(V.view)",
         "Does(V.replace)", "Does(V.grow)", "Overrides()", "f64", "i64", "wengert.bool", "wengert.float16", "float", "int", "str", "type",
         "FakeClass()", "lambda *a, **k: a[0]", "lambda x: x.sum()", "lambda *a: 1 / 0", "wengert.Generator()", "wengert.device('cpu')", "'cpu'", "'cuda'",
         "wengert.strided", "set()", "{}", "range(5)", "range(2**62)", "memoryview(b'')", "bytearray(b'12345678')", "c_floats", "c_struct()",
         "array('np.float32(3)')", "array('np.int64(-1)')", "array('np.zeros((2, 3))[::-1]')", "array('np.zeros(3, dtype=\">f4\")')",
         "array('np.zeros(3, dtype=complex)')", "array('np.zeros(3, dtype=object)')", "array('np.zeros(0)')", "array('np.array(5)')",
         "array('np.zeros(3, dtype=[(\"a\", int)])')", "array('np.zeros(3, dtype=\"S0\")')", "array('np.zeros((1,) * 30)')",
         "strided((2**40, 2**40), (0, 0))", "strided((2**62,), (0,))", "strided((2, 2), (1, 1))", "strided((2**31, 2**31, 4), (0, 0, 0))", "strided((0,), (-4,))",
         "nn.Linear(3, 3)", "V.layer", "nn.Sequential()", "wengert.no_grad()", "computed(3).grad_fn", "wengert.finfo(f64)", "wengert.distributions.Normal(0., 1.)",
         "wengert.optim.SGD([leaf(3)], lr=0.1)", "float('nan')", "[[1.0, 2.0], [3.0, 4.0]]", "nn.Linear", "function()"]


def namespace():
    """What the expressions are evaluated in; a new victim each time."""
    names = dict(globals())
    names.update(V=Victim(), nan=float("nan"), inf=float("inf"), f64=wengert.float64, i64=wengert.int64, nn=nn)
    return names
