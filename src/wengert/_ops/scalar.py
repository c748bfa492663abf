"""Formulas as C expressions on one element: the bodies of loops and the inline functions that rows nest through.

Note [Order of evaluation] Trees become C as they stand, in one order, here and in `vjp_c`; with -ffp-contract=off a fused VJP
loop and the same formula replayed row by row therefore give the same bits.
"""
import math
from dataclasses import replace

from .grammar import GrammarError, Node, const, walk

COMPUTES = ("f32", "f64", "i64")
CTYPE = {"f32": "float", "f64": "double", "i64": "int64_t"}
SUFFIX = {"f32": "f", "f64": "", "i64": ""}
INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">",
         "ge": ">=", "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
TRUTH = {"logical_and": "&", "logical_or": "|"}         # on 0 and 1, so that no branch stands in the way of vectors
#: Functions that a vector loop may call for easy arguments only: Note [Easy arguments] in wg_math_easy.h.
EASY = ("sin", "cos", "tan", "fmod", "remainder", "floor_divide", "polygamma")
#: Those of integers.
EASY_I64 = ("remainder", "floor_divide")
#: The same in float32 only, and in the rows of their names only: the formulas that nest them would be compiled twice for it.
EASY_F32 = ("lgamma",)
RESERVED = set("at count operand attr first last hard int long float double char short signed unsigned const static return default "
               "auto break case continue do else enum extern for goto if inline register restrict sizeof struct switch "
               "typedef union void volatile while".split())


def computes_of(op):
    """The compute types that make sense for an elementwise row."""
    if op.computes:
        return op.computes
    return {"float": ("f32", "f64"), "float_only": ("f32", "f64"), "int": ("i64",)}.get(op.types, COMPUTES)


def attr_ctype(param, compute):
    """The C type in which an attribute reaches scalar code."""
    if param.type == "float" or (param.type == "Number" and compute != "i64"):
        return "double"
    return "int64_t"


def literal(value, compute):
    """A Python literal in the compute type."""
    if compute == "i64":
        if isinstance(value, float) and not value.is_integer():
            raise GrammarError(f"{value} in an integer loop")
        return f"INT64_C({int(value)})" if value >= 0 else f"(-INT64_C({-int(value)}))"
    value = float(value)
    if math.isnan(value):
        text = "NAN"
    elif math.isinf(value):
        text = "INFINITY" if value > 0 else "(-INFINITY)"
    else:
        # The literal is a double that is rounded once, as wg_number_float rounds it when the formula is replayed.
        text = repr(value) if value >= 0 and not (value == 0 and math.copysign(1, value) < 0) else f"({value!r})"
    return f"(float){text}" if compute == "f32" else text


class Scalar:
    """C expressions for the nodes of one formula. `assume` fixes the outcome of attribute tests; `fast` takes the
    branch-free forms of the functions in EASY, right where all conditions in `easy` hold, which are gathered on the way."""

    def __init__(self, table, op, compute, assume=None, fast=False):
        self.table, self.op, self.compute, self.assume, self.fast = table, op, compute, assume or {}, fast
        self.names, self.statements, self.easy = {}, [], []

    # ---- numbers: before the loop, in double or int64 ----

    def number(self, n):
        if n.kind == "const":
            if n.sort == "none":
                raise GrammarError(f"{self.op.name}: None is no number here")
            return literal(n.value, "f64") if n.sort == "float" else str(int(n.value))
        if n.kind == "attr":
            return n.value
        if n.kind == "if":
            if n.args[0] in self.assume:
                return self.number(n.args[1 if self.assume[n.args[0]] else 2])
            test, a, b = (self.number(a) for a in n.args)
            return f"({test} ? {a} : {b})"
        if n.kind == "meta" and n.value == "given":
            return f"has_{n.args[0].value}"
        if n.kind == "op":
            args = [self.number(a) for a in n.args]
            if n.value in ("div",):
                return f"((double){args[0]} / (double){args[1]})"
            if n.value == "pow":
                return f"pow((double){args[0]}, (double){args[1]})"
            if n.value == "neg":
                return f"(-{args[0]})"
            if n.value == "logical_not":
                return f"(!{args[0]})"
            if n.value in TRUTH:
                return f"({args[0]} {TRUTH[n.value] * 2} {args[1]})"
            if n.value in INFIX:
                return f"({args[0]} {INFIX[n.value]} {args[1]})"
        raise GrammarError(f"{self.op.name}: {n.value!r} is no arithmetic on numbers that a loop can do")

    # ---- elements ----

    def value(self, n):
        """An expression of the compute type."""
        if n.is_tensor:
            text = self.element(n)
            return f"({CTYPE[self.compute]}){text}" if n.sort == "mask" else text
        if n.kind == "const" and n.sort in ("int", "float", "bool"):
            return literal(n.value, self.compute)
        return f"({CTYPE[self.compute]}){self.number(n)}"

    def truth(self, n):
        """An expression that is 0 or 1."""
        if n.sort == "mask":
            return self.element(n)
        if n.sort == "bool" and n.kind == "const":
            return str(int(n.value))
        if n.sort == "bool":
            return f"({self.number(n)} != 0)"
        return f"({self.value(n)} != 0)"

    def element(self, n):
        if n in self.names:
            return self.names[n]
        return self.expand(n)

    def expand(self, n):
        if n.kind == "op":
            return self.operator(n.value, n.args)
        if n.kind == "if":
            test, a, b = n.args
            if test in self.assume:
                return self.value(a if self.assume[test] else b)
            return f"({self.number(test)} ? {self.value(a)} : {self.value(b)})"
        if n.kind == "c":
            params = self.op.params
            return self.c_call(n.value, params, dict(zip((p.name for p in self.op.tensors), n.args)),
                               dict(n.attrs))
        if n.kind == "call":
            called = self.table[n.value]
            if called.y is None:
                raise GrammarError(f"{self.op.name}: {called.name} is not elementwise")
            if is_plain_operator(called):
                return self.operator(called.y.value, n.args)
            y = called.formula(self.compute)
            tensors = dict(zip((p.name for p in called.tensors), n.args))
            function = y.value if y.kind == "c" else f"row_{called.name}"
            return self.c_call(function, called.params, tensors, dict(n.attrs), called)
        raise GrammarError(f"{self.op.name}: a loop cannot compute {n.kind} {n.value!r}")

    def c_call(self, function, params, tensors, attrs, called=None):
        called = called or self.op
        args = [self.truth(tensors[p.name]) if p.name in called.bools else self.value(tensors[p.name])
                for p in params if p.is_tensor]
        for p in params:
            if p.is_tensor:
                continue
            node = attrs.get(p.name)
            if node is None:
                value = p.choices.index(p.default) if p.choices else p.default
                node = Node("const", value, sort={bool: "bool", int: "int", float: "float", type(None): "none"}[type(value)])
            if node.sort == "none":
                args += ["0", "0"]
                continue
            if p.optional:
                args.append(f"has_{node.value}" if node.kind == "attr" and self.op.param(node.value).optional else "1")
            args.append(f"({attr_ctype(p, self.compute)}){self.number(node)}")
        arguments = f"{self.compute}({', '.join(args)})"
        if function in (EASY_I64 if self.compute == "i64" else EASY) or function in EASY_F32 and self.op.name == function and self.compute == "f32":
            self.easy.append(f"wg_{function}_easy_{arguments}")
            function += "_fast" * self.fast
        return f"wg_{function}_{arguments}"

    def operator(self, name, args):
        if name == "where":
            branch = self.truth if args[1].sort == args[2].sort == "mask" else self.value
            return f"({self.truth(args[0])} ? {branch(args[1])} : {branch(args[2])})"
        if name in TRUTH:
            return f"({self.truth(args[0])} {TRUTH[name]} {self.truth(args[1])})"
        if name == "logical_not":
            return f"(!{self.truth(args[0])})"
        if name.startswith("bitwise") and all(a.sort in ("mask", "bool") for a in args):
            return f"({self.truth(args[0])} {INFIX[name]} {self.truth(args[1])})"
        values = [self.value(a) for a in args]
        if self.compute == "i64":
            if name in ("add", "sub", "mul", "neg"):
                return f"wg_{name}_i64({', '.join(values)})"
            if name == "bitwise_not":
                return f"(~{values[0]})"
            if name == "div":
                raise GrammarError(f"{self.op.name}: true division in an integer loop")
        elif name.startswith("bitwise"):
            raise GrammarError(f"{self.op.name}: {name} in a floating-point loop")
        if name == "neg":
            return f"(-{values[0]})"
        return f"({values[0]} {INFIX[name]} {values[1]})"

    def bind(self, roots):
        """Gives a name to each value that is used more than once; returns the statements."""
        uses, seen, stack = {}, set(), list(roots)
        for root in roots:
            uses[root] = uses.get(root, 0) + 1
        while stack:
            n = stack.pop()
            if n in seen:
                continue
            seen.add(n)
            children = n.children()
            if n.kind == "if" and n.args[0] in self.assume:
                children = (n.args[1 if self.assume[n.args[0]] else 2],)
            for child in children:
                uses[child] = uses.get(child, 0) + 1
                stack.append(child)
        statements, order = [], []
        for root in roots:
            order += [n for n in walk(root) if n not in order]
        for n in order:
            if n in seen and uses.get(n, 0) > 1 and n.is_tensor and n.kind in ("op", "call", "c", "if") and n not in self.names:
                if n.kind == "if" and n.args[0] in self.assume:
                    continue
                ctype = "int" if n.sort == "mask" else CTYPE[self.compute]
                text, name = self.expand(n), f"t{len(statements)}"
                self.names[n] = name
                statements.append(f"const {ctype} {name} = {text};")
        return statements


def is_plain_operator(op):
    """A row whose formula is one C operator on its own parameters, in order: nested uses need no function."""
    return (op.y is not None and op.y_int is None and op.y.kind == "op" and not op.attrs
            and op.y.args == tuple(op.x_nodes().values()))


def open_test(nodes, assume):
    """The outermost attribute test that chooses between tensor formulas and is not decided yet, or None. Loops are emitted once
    for each outcome."""
    stack, seen = list(reversed(nodes)), set()
    while stack:
        n = stack.pop()
        if n in seen:
            continue
        seen.add(n)
        if n.kind == "if" and n.is_tensor:
            if n.args[0] not in assume:
                return n.args[0]
            stack.append(n.args[1 if assume[n.args[0]] else 2])
        else:
            stack.extend(reversed(n.children()))
    return None


def inline_choices(table, node):
    """Calls of rows that choose by attributes, replaced by what they compute: so a loop can make the choice beforehand."""
    memo = {}

    def substitute(n, tensors, attrs):
        if n.kind == "x":
            return tensors[n.value]
        if n.kind == "attr":
            return attrs[n.value]
        args = tuple(substitute(a, tensors, attrs) for a in n.args)
        return replace(n, args=args, attrs=tuple((k, substitute(a, tensors, attrs)) for k, a in n.attrs))

    def visit(n):
        if n not in memo:
            children = tuple(visit(a) for a in n.args)
            n2 = replace(n, args=children, attrs=tuple((k, visit(a)) for k, a in n.attrs))
            memo[n] = n2
            if n.kind == "call" and any(m.kind == "if" and m.is_tensor for m in walk(table[n.value].y)):
                op = table[n.value]
                given = dict(n2.attrs)
                if not any(p.optional for p in op.attrs):
                    attrs = {p.name: given.get(p.name) or const(p.choices.index(p.default) if p.choices else p.default)
                             for p in op.attrs}
                    memo[n] = visit(substitute(op.y, children, attrs))
        return memo[n]

    return visit(node)


def row_function(table, op, compute):
    """static inline wg_row_<name>_<compute>(tensors, attributes): how formulas nest."""
    scalar = Scalar(table, op, compute)
    parameters = []
    for p in op.tensors:
        parameters.append(f"{'int' if p.name in op.bools else CTYPE[compute]} {p.name}")
    for p in op.attrs:
        if p.optional:
            parameters.append(f"int has_{p.name}")
        parameters.append(f"{attr_ctype(p, compute)} {p.name}")
    for name, node in op.x_nodes().items():
        scalar.names[node] = name
    y = op.formula(compute)
    statements = scalar.bind([y])
    result = scalar.truth(y) if op.is_mask else scalar.value(y)
    unused = [f"(void){p.split()[-1]};" for p in parameters]
    lines = [f"WG_INLINE {'int' if op.is_mask else CTYPE[compute]} wg_row_{op.name}_{compute}({', '.join(parameters)}) {{"]
    lines += ["    " + " ".join(unused)]
    lines += ["    " + s for s in statements]
    lines += [f"    return {result};", "}"]
    return "\n".join(lines)
