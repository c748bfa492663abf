"""Signatures and formulas: text in, immutable trees out.

A signature is a list of parameters, `name[: type][?][= default]`, with `*` before the keyword-only ones. A parameter
without a type is a Tensor. A formula is a Python expression, or a let-block `t = exp(x); t/(1 + t)`. Both are
read once, here; everything that is emitted comes from the trees.

Note [Numbers and tensors]
    A formula mixes two worlds. *Numbers* are attributes, literals, sizes and shapes, and arithmetic on them: they
    are known before any element is touched, are computed in double (or int64) and become the compute type
    only where they meet an element. *Tensors* are the inputs, outputs and cotangents and whatever rows make of
    them. Loops and formula VJPs both follow that rule, which is why their bits agree.
"""
import ast
import math
from dataclasses import dataclass, field

TENSOR_TYPES = ("Tensor", "Tensor[]")
ATTR_TYPES = ("Number", "int", "int[]", "float", "bool", "dtype", "str", "Generator")

#: Keywords that PyTorch also accepts, for every op that has the parameter.
ALIASES = {"dim": ("axis",), "dims": ("axes",), "keepdim": ("keepdims",), "input": ("x", "x1"), "other": ("x2",)}


class GrammarError(Exception):
    """A row that does not follow the grammar. The message names the row and the place."""


# ---- signatures --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Param:
    """One parameter of an operation."""

    name: str
    type: str                       # one of TENSOR_TYPES or ATTR_TYPES
    optional: bool = False          # None is a legal value
    keyword_only: bool = False
    has_default: bool = False
    default: object = None
    choices: tuple = ()             # of a str

    @property
    def is_tensor(self):
        return self.type in TENSOR_TYPES

    @property
    def python_name(self):
        """The name that callers see: the first tensor is x in formulas, `input` in Python."""
        return "input" if self.name == "x" and self.is_tensor else self.name

    @property
    def aliases(self):
        return ALIASES.get(self.python_name, ())


def split_top(text, separator=","):
    """Splits at separators outside brackets and quotes."""
    parts, depth, quote, current = [], 0, None, ""
    for ch in text:
        if quote:
            quote = None if ch == quote else quote
        elif ch in "'\"":
            quote = ch
        elif ch in "([{":
            depth += 1
        elif ch in ")]}":
            depth -= 1
        elif ch == separator and depth == 0:
            parts.append(current.strip())
            current = ""
            continue
        current += ch
    parts.append(current.strip())
    return [p for p in parts if p]


def parse_param(text, keyword_only=False):
    """`other`, `alpha: Number = 1`, `dim: int[]? = None`, `reduction: str{none,mean,sum} = mean`."""
    head, has_default, default = text.partition("=")
    name, _, kind = (s.strip() for s in head.partition(":"))
    kind = kind or "Tensor"
    optional = kind.endswith("?")
    kind = kind.rstrip("?").strip()
    choices = ()
    if kind.startswith("str{") and kind.endswith("}"):
        choices, kind = tuple(c.strip() for c in kind[4:-1].split(",")), "str"
    if not name.isidentifier() or kind not in TENSOR_TYPES + ATTR_TYPES or (kind == "str" and not choices):
        raise GrammarError(f"cannot read the parameter {text!r}")
    default = default.strip()
    if has_default:
        if default in choices:
            value = default
        else:
            try:
                value = ast.literal_eval(default)
            except ValueError:
                raise GrammarError(f"the default of {text!r} is no literal") from None
        check_default(text, kind, optional, choices, value)
        return Param(name, kind, optional, keyword_only, True, value, choices)
    return Param(name, kind, optional, keyword_only, choices=choices)


def check_default(text, kind, optional, choices, value):
    """A default must be a value of its parameter's type."""
    number = isinstance(value, (int, float))
    right = {"Number": number, "float": number, "int": isinstance(value, int), "bool": isinstance(value, bool),
             "int[]": isinstance(value, tuple) and all(isinstance(v, int) for v in value), "str": value in choices,
             "dtype": isinstance(value, str), "Tensor": False, "Tensor[]": False, "Generator": False}[kind]
    if not right and not (optional and value is None):
        raise GrammarError(f"the default of {text!r} is not of its type")


def parse_signature(text):
    """The parameters of a signature, in order."""
    params, keyword_only = [], False
    for part in split_top(text):
        if part == "*":
            keyword_only = True
            continue
        params.append(parse_param(part, keyword_only))
    names = [p.name for p in params]
    if len(set(names)) != len(names):
        raise GrammarError(f"a parameter occurs twice in {text!r}")
    positional = [p for p in params if not p.keyword_only]
    for earlier, later in zip(positional, positional[1:]):
        if earlier.has_default and not later.has_default:
            raise GrammarError(f"{later.name!r} without a default follows one with a default in {text!r}")
    return tuple(params)


@dataclass(frozen=True)
class Out:
    """One output: `values`, `indices!nondiff`, `mask!hidden`, `rstd!kernel` (hidden, for the VJP kernel only)."""

    name: str
    nondiff: bool = False
    hidden: bool = False
    kernel_only: bool = False
    is_list: bool = False


def parse_outs(text):
    outs = []
    for part in split_top(text):
        name, *flags = part.split("!")
        unknown = set(flags) - {"nondiff", "hidden", "kernel"}
        is_list = name.endswith("[]")
        name = name.removesuffix("[]")
        if unknown or not name.isidentifier():
            raise GrammarError(f"cannot read the output {part!r}")
        kernel = "kernel" in flags
        hidden = kernel or "hidden" in flags
        outs.append(Out(name, "nondiff" in flags or hidden, hidden, kernel, is_list))
    for earlier, later in zip(outs, outs[1:]):
        if earlier.hidden and not later.hidden:
            raise GrammarError(f"hidden outputs come last: {text!r}")
    return tuple(outs)


# ---- formulas ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """A node of a formula. Equal trees are equal nodes, so common subexpressions are found by comparison.

    kind        value           args
    "const"     the literal     ()
    "attr"      its name        ()
    "x" "y" "g" index           ()                  an input, an output, a cotangent
    "element"   None            ()                  of a list input: the element whose cotangent is computed
    "glist"     None            ()                  the cotangents of a list of outputs, for a row that takes Tensor[]
    "call"      row's name      tensors, then (name, number) pairs are in `attrs`
    "op"        operator        operands            arithmetic on numbers; in y= formulas on elements
    "meta"      function        (node, ...)         shape, dtype, numel, ndim, size, prefix, position
    "if"        None            (test, a, b)        chosen by attributes, before any element is touched
    "tuple"     None            items
    "item"      index           (call,)             one output of a row with several
    """

    kind: str
    value: object = None
    args: tuple = ()
    attrs: tuple = ()               # of a call: ((parameter name, Node), ...)
    sort: str = "tensor"            # tensor, mask (a tensor of bools), int, float, number, bool, ints, dtype, str, none
    _hash: int = field(default=0, compare=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "_hash", hash((self.kind, repr(self.value), self.args, self.attrs)))

    def __hash__(self):
        return self._hash

    def __eq__(self, other):
        # repr tells 1 from 1.0 and from True
        return self is other or (isinstance(other, Node) and self._hash == other._hash and self.kind == other.kind
                                 and repr(self.value) == repr(other.value) and self.args == other.args
                                 and self.attrs == other.attrs)

    @property
    def is_tensor(self):
        return self.sort in ("tensor", "mask")

    def children(self):
        return self.args + tuple(n for _, n in self.attrs)


def walk(node):
    """Every distinct node below and including this one, children first."""
    seen, order, stack = set(), [], [(node, False)]
    while stack:
        n, done = stack.pop()
        if done:
            order.append(n)
        elif n not in seen:
            seen.add(n)
            stack.append((n, True))
            stack.extend((c, False) for c in reversed(n.children()))
    return order


OPERATORS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow", ast.FloorDiv: "floor_divide",
             ast.Mod: "remainder", ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or", ast.BitXor: "bitwise_xor",
             ast.LShift: "bitwise_left_shift", ast.RShift: "bitwise_right_shift"}
COMPARISONS = {ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}
UNARY = {ast.USub: "neg", ast.Invert: "bitwise_not", ast.Not: "logical_not"}
BOOLEAN = {ast.And: "logical_and", ast.Or: "logical_or"}
#: What operators on elements are in C; any other operator in a y= formula calls the row of its name.
PRIMITIVE = ("add", "sub", "mul", "div", "neg", "where", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not",
             *COMPARISONS.values(), *BOOLEAN.values(), "logical_not")
RESULT_IS_MASK = set(COMPARISONS.values()) | {"logical_and", "logical_or", "logical_not"}

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}
DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")
NUMBER_SORTS = ("int", "float", "number", "bool")
ATTR_SORT = {"Number": "number", "int": "int", "int[]": "ints", "float": "float", "bool": "bool", "dtype": "dtype",
             "str": "str", "Generator": "generator"}
META = {"shape": "ints", "dtype": "dtype", "numel": "int", "ndim": "int", "size": "int", "prefix": "int",
        "position": "int", "len": "int", "given": "bool", "leading": "int", "trailing": "int"}


def const(value):
    sort = {bool: "bool", int: "int", float: "float", str: "str", type(None): "none"}[type(value)]
    return Node("const", value, sort=sort)


class Parser:
    """Reads one formula.

    names: what the formula may mention, as nodes. elements=True reads a y= formula: operators act on elements.
    resolve(name) -> Op for the rows a formula may call (and, in y= formulas, C functions), or None.
    """

    def __init__(self, names, resolve, where, elements=False, choices=None):
        self.names, self.resolve, self.where, self.elements = dict(names), resolve, where, elements
        self.choices = choices or {}

    def fail(self, why):
        raise GrammarError(f"{self.where}: {why}")

    def parse(self, text):
        try:
            body = ast.parse(text.strip()).body
        except SyntaxError as error:
            self.fail(f"{text!r} is no formula ({error.msg})")
        if not body or not isinstance(body[-1], ast.Expr):
            self.fail(f"{text!r} does not end in an expression")
        for statement in body[:-1]:
            if not (isinstance(statement, ast.Assign) and len(statement.targets) == 1
                    and isinstance(statement.targets[0], ast.Name)):
                self.fail(f"only `name = expression` may come before the last expression of {text!r}")
            name = statement.targets[0].id
            if name in self.names or name in CONSTANTS:
                self.fail(f"{name!r} is already bound")
            self.names[name] = self.read(statement.value)
        return self.read(body[-1].value)

    def read(self, tree):
        method = getattr(self, "read_" + type(tree).__name__, None)
        if method is None:
            self.fail(f"{ast.unparse(tree)!r}: {type(tree).__name__} is not part of the grammar")
        return method(tree)

    def read_Constant(self, tree):
        if not isinstance(tree.value, (bool, int, float, str, type(None))):
            self.fail(f"{tree.value!r} is no literal of the grammar")
        return const(tree.value)

    def read_Name(self, tree):
        if tree.id in self.names:
            return self.names[tree.id]
        if tree.id in CONSTANTS:
            return const(CONSTANTS[tree.id])
        if tree.id in DTYPES:
            return Node("const", DTYPES.index(tree.id), sort="dtype")
        self.fail(f"unknown name {tree.id!r}")

    def read_Tuple(self, tree):
        items = tuple(self.read(item) for item in tree.elts)
        if any(item.sort != "int" for item in items):
            self.fail(f"{ast.unparse(tree)!r}: a tuple holds ints")
        return Node("tuple", None, items, sort="ints")

    def read_BinOp(self, tree):
        name = OPERATORS.get(type(tree.op))
        if name is None:
            self.fail(f"operator in {ast.unparse(tree)!r}")
        return self.operation(name, self.read(tree.left), self.read(tree.right))

    def read_UnaryOp(self, tree):
        operand = self.read(tree.operand)
        if isinstance(tree.op, ast.UAdd):
            return operand
        if isinstance(tree.op, ast.USub) and operand.kind == "const" and operand.sort in ("int", "float"):
            return const(-operand.value)
        return self.operation(UNARY[type(tree.op)], operand)

    def read_Compare(self, tree):
        if len(tree.ops) != 1:
            self.fail(f"chained comparison {ast.unparse(tree)!r}: write `and`")
        left, operator, right = self.read(tree.left), tree.ops[0], tree.comparators[0]
        if isinstance(operator, (ast.Is, ast.IsNot)):
            if left.kind not in ("attr", "x") or not (isinstance(right, ast.Constant) and right.value is None):
                self.fail(f"{ast.unparse(tree)!r}: only an attribute or an input is compared with None")
            given = Node("meta", "given", (left,), sort="bool")
            return given if isinstance(operator, ast.IsNot) else self.operation("logical_not", given)
        if type(operator) not in COMPARISONS:
            self.fail(f"comparison in {ast.unparse(tree)!r}")
        right = self.read(right)
        if left.sort == "str" or right.sort == "str":
            left, right = self.choice(left, right), self.choice(right, left)
        return self.operation(COMPARISONS[type(operator)], left, right)

    def choice(self, node, other):
        """A str attribute travels as the index of its choice; a literal compared with it becomes that index."""
        if node.kind == "const" and other.kind == "attr":
            choices = self.choices.get(other.value, ())
            if node.value not in choices:
                self.fail(f"{node.value!r} is none of the choices {choices} of {other.value!r}")
            return const(choices.index(node.value))
        return node

    def read_BoolOp(self, tree):
        values = [self.read(v) for v in tree.values]
        result = values[0]
        for value in values[1:]:
            result = self.operation(BOOLEAN[type(tree.op)], result, value)
        return result

    def read_IfExp(self, tree):
        test, a, b = self.read(tree.test), self.read(tree.body), self.read(tree.orelse)
        if test.is_tensor:
            self.fail(f"{ast.unparse(tree.test)!r} is a tensor: use where(); `if` is decided by attributes")
        if a == b:
            return a
        tensor = a.is_tensor or b.is_tensor
        if not tensor and a.sort != b.sort and not (a.sort in NUMBER_SORTS and b.sort in NUMBER_SORTS):
            self.fail(f"the branches of {ast.unparse(tree)!r} differ in kind")
        return Node("if", None, (test, a, b), sort="tensor" if tensor else self.join(a, b))

    def read_Subscript(self, tree):
        value, index = self.read(tree.value), self.read(tree.slice)
        if value.kind == "call" and index.kind == "const" and isinstance(index.value, int):
            return Node("item", index.value, (value,))
        if value.sort == "ints" and index.sort == "int":
            return Node("meta", "at", (value, index), sort="int")
        self.fail(f"cannot index in {ast.unparse(tree)!r}")

    def read_Call(self, tree):
        if not isinstance(tree.func, ast.Name):
            self.fail(f"{ast.unparse(tree)!r}: only named functions are called")
        name = tree.func.id
        args = [self.read(a) for a in tree.args]
        keywords = {k.arg: self.read(k.value) for k in tree.keywords}
        if name in META and not keywords:
            return self.meta(name, args)
        if name == "where" and self.elements:
            return self.operation("where", *args)
        op = self.resolve(name)
        if op is None:
            self.fail(f"{name!r} is no row of the table")
        return self.call(op, args, keywords)

    # -- building nodes --

    def meta(self, name, args):
        if name in ("shape", "dtype", "numel", "ndim", "size", "prefix", "leading", "trailing") and not args[0].kind in ("x", "y", "g", "glist", "element"):
            self.fail(f"{name}() takes an input, an output or a cotangent")
        return Node("meta", name, tuple(args), sort=META[name])

    @staticmethod
    def join(*nodes):
        sorts = {n.sort for n in nodes}
        if len(sorts) == 1:
            return sorts.pop()
        return "number" if "number" in sorts else "float" if "float" in sorts else "int"

    def operation(self, name, *args):
        """An operator on numbers is computed beforehand; on tensors it is the row of that name."""
        if any(a.is_tensor for a in args):
            if not self.elements or name not in PRIMITIVE:
                op = self.resolve(name)
                if op is None:
                    self.fail(f"the operator needs a row {name!r}")
                return self.call(op, list(args), {})
            sort = "mask" if name in RESULT_IS_MASK else "tensor"
            if name == "where" and args[1].sort == args[2].sort == "mask":
                sort = "mask"
            if name.startswith("bitwise") and all(a.sort in ("mask", "bool") for a in args):
                sort = "mask"
            return Node("op", name, tuple(args), sort=sort)
        if any(a.sort not in NUMBER_SORTS and not (name in ("eq", "ne") and a.sort in ("str", "dtype")) for a in args):
            self.fail(f"{name} does not work on {', '.join(a.sort for a in args)}")
        if all(a.kind == "const" for a in args):
            folded = fold(name, [a.value for a in args])
            if folded is not None:
                return const(folded)
        if name in RESULT_IS_MASK:
            sort = "bool"
        elif name in ("div", "pow"):
            sort = "float"
        else:
            sort = self.join(*args)
        return Node("op", name, tuple(args), sort=sort)

    def call(self, op, args, keywords):
        """Binds arguments to the row's parameters as Python would."""
        bound, positional = {}, [p for p in op.params if not p.keyword_only]
        if len(args) > len(positional):
            self.fail(f"{op.name} takes {len(positional)} positional arguments, not {len(args)}")
        for param, arg in zip(positional, args):
            bound[param.name] = arg
        for name, arg in keywords.items():
            if name in bound or name not in {p.name for p in op.params}:
                self.fail(f"{op.name} has no free parameter {name!r}")
            bound[name] = arg
        tensors, attrs = [], []
        for param in op.params:
            if param.name not in bound and not param.has_default and not (param.is_tensor and param.optional):
                self.fail(f"{op.name} misses its argument {param.name!r}")
            if param.is_tensor:
                arg = bound.get(param.name, const(None))
                if arg.sort not in ("tensor", "mask", "none") + NUMBER_SORTS or (arg.sort == "none" and not param.optional):
                    self.fail(f"{op.name}: {param.name!r} is no {arg.sort}")
                if (arg.kind == "glist") != (param.type == "Tensor[]"):
                    self.fail(f"{op.name}: {param.name!r} takes {param.type}")
                tensors.append(arg)
            elif param.name in bound:
                attrs.append((param.name, self.convert(op, param, bound[param.name])))
        return Node("call", op.name, tuple(tensors), tuple(attrs), sort="mask" if op.is_mask else "tensor")

    def convert(self, op, param, arg):
        """Checks that a number fits the parameter it is given to."""
        if param.type == "str" and arg.kind == "const":
            if arg.value not in param.choices:
                self.fail(f"{op.name}: {arg.value!r} is none of {param.choices}")
            return const(param.choices.index(arg.value))
        wanted = ATTR_SORT[param.type]
        fits = (arg.sort == wanted or (arg.sort == "none" and param.optional)
                or (wanted in ("number", "float") and arg.sort in NUMBER_SORTS) or (wanted == "ints" and arg.kind == "tuple"))
        if not fits:
            self.fail(f"{op.name}: {param.name!r} takes {param.type}, not {arg.sort}")
        return arg


def fold(name, values):
    """Arithmetic on literals, as double arithmetic would do it at run time; None where it has no value."""
    if any(isinstance(v, (str, type(None))) for v in values):
        return None
    try:
        if name == "div":
            return float(values[0]) / float(values[1])
        if name == "pow":
            return float(values[0]) ** values[1]
        simple = {"add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "neg": lambda a: -a}
        return simple[name](*values) if name in simple else None
    except (ZeroDivisionError, OverflowError):
        return None
