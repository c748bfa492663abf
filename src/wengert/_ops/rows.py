"""One operation, and the table that holds, completes and checks all of them.

A row is written `op("mul", "x, other", y="x*other", vjp={"x": "g*other", "other": "g*x"})`. Its columns:

name, signature   see `grammar`
y                 elementwise: the formula of an element; "c:exp" is the C function wg_exp_<type> of wg_math.h
y_int             the formula of the int64 loop, where it differs (floor of an integer is the integer)
computes          the compute types of the loop, where `types` does not say: ("f32", "f64")
kind              "elementwise" (there is a y), "structured" or "view" (there is a C function wg_forward_<name>)
vjp               per tensor parameter a formula, "nondiff" or "not_implemented"; or one of the two words for all; or "composed":
                  wg_compose_<name>, written by hand over other rows, computes the same outputs, and the derivative goes back
                  through what it records (a recurrence, which no one expression describes); a row with a kernel
outs              "values, indices!nondiff, mask!hidden, rstd!kernel"; default "y"; "y[]" is a list, counted by the C
                  function wg_count_<name>, whose cotangents g a formula may hand on to a row that takes Tensor[]
types             any, float, compare, int, logical, predicate, numeric, float_only (WG_T_* in wg_op.h)
bools             tensor parameters that an elementwise loop reads as bool
linear            groups of tensor parameters in which the op is jointly linear: ("x", "other") or ("x+other",)
kernel            True: there is a hand-written VJP wg_vjp_kernel_<name>; kernel_reads: what it reads ("x, rstd")
check             True: there is a function wg_check_<name> with extra refusals
public            the Python name (default: the row's; private rows have none). Rows that share one are its overloads
where             where the name is public: t(orch) m(ethod) f(unctional) s(pecial) l(inalg); "" is private
aliases           other public names ("arctan"); "special.expit" puts one into a namespace of its own
inplace           has an in-place form; default: elementwise rows with a result of their own type
mask              is the result bool? default: of compare, logical, predicate
grad_name         what grad_fn is called; default: from the name, "AddBackward0"
materialize       cotangents that did not arrive become zeros before the VJP; default: where several outputs have a derivative
returns           name of the named tuple that holds several results ("max" for torch.return_types.max)
domain, samples   for generated tests: interval of inputs; attributes to try, as dicts
number_ok         may tensor parameters be Python numbers? True, False, "later" (not the first), "not all"; default: True for
                  elementwise rows of several tensors
cost              nanoseconds an element; default: from the functions in the formula
doc               first line of the docstring
"""
import re

from .grammar import (ATTR_SORT, GrammarError, Node, Parser, parse_outs, parse_signature, split_top, walk)

TYPES = ("any", "float", "compare", "int", "logical", "predicate", "numeric", "float_only")
MASK_TYPES = ("compare", "logical", "predicate")
KINDS = ("elementwise", "structured", "view")
NUMBERS = (False, True, "later", "not all")


class Op:
    """One row. Formulas stay text until `Table.finish` has seen all rows."""

    def __init__(self, name, signature, y=None, *, kind=None, vjp=None, outs="y", types="any", bools=(), linear=None,
                 kernel=False, kernel_reads="", check=False, public=None, where=None, aliases=(), inplace=None,
                 returns=None, domain=(-4, 4), samples=(), cost=None, grad_name=None, materialize=None, mask=None,
                 number_ok=None, y_int=None, computes=None, doc=""):
        self.name, self.signature, self.y_text, self.vjp_text = name, signature, y, vjp
        try:
            self.params, self.outs = parse_signature(signature), parse_outs(outs)
        except GrammarError as error:
            raise GrammarError(f"{name}: {error}") from None
        self.kind = kind or ("elementwise" if y is not None else "structured")
        self.types, self.linear_text, self.kernel, self.check = types, linear, kernel, check
        self.kernel_reads = tuple(split_top(kernel_reads))
        self.tensors = tuple(p for p in self.params if p.is_tensor)
        self.attrs = tuple(p for p in self.params if not p.is_tensor)
        self.is_mask = types in MASK_TYPES if mask is None else mask
        self.bools = tuple(p.name for p in self.tensors) if types == "logical" else tuple(bools)
        private = name.startswith("_")
        self.where = ("" if private else "tm") if where is None else where
        self.public = None if not self.where else public or name
        self.aliases = tuple(aliases)
        self.inplace = (bool(self.where) and self.kind == "elementwise" and "m" in self.where) if inplace is None else inplace
        self.returns, self.domain, self.samples, self.cost, self.doc = returns, domain, tuple(samples), cost, doc
        self.grad_name = grad_name or re.sub(r"(?:^|_|(?<=\d))([a-z])", lambda m: m[1].upper(), name) + "Backward0"
        self.variadic = any(p.type == "Tensor[]" for p in self.tensors)
        self.diff_outs = tuple(i for i, o in enumerate(self.outs) if not o.nondiff)
        self.list_out = self.outs[0].is_list
        self.materialize = (self.list_out or len(self.diff_outs) > 1) if materialize is None else materialize
        self.number_ok = NUMBERS.index((self.kind == "elementwise" and len(self.tensors) > 1) if number_ok is None else number_ok)
        self.y_int_text, self.computes = y_int, computes
        self.y, self.y_int, self.vjp = None, None, {}
        self.composed = vjp == "composed"
        self.validate()

    def validate(self):
        if not re.fullmatch(r"_?[a-z][a-z0-9_]*", self.name):
            raise GrammarError(f"{self.name!r} is no name for a row")
        if self.kind not in KINDS or self.types not in TYPES:
            raise GrammarError(f"{self.name}: kind {self.kind!r}, types {self.types!r}")
        if (self.kind == "elementwise") != (self.y_text is not None):
            raise GrammarError(f"{self.name}: a formula y= makes an elementwise row, and only it")
        if self.kind == "elementwise" and (len(self.outs) > 1 or not self.tensors or any(
                p.type == "Tensor[]" or p.optional for p in self.tensors)):
            raise GrammarError(f"{self.name}: an elementwise row has one output and plain tensor parameters")
        if self.variadic and len(self.tensors) > 1:
            raise GrammarError(f"{self.name}: a list of tensors is the only tensor parameter of its row")
        unknown = set(self.bools) - {p.name for p in self.tensors}
        if unknown or set(self.where) - set("tmfsl"):
            raise GrammarError(f"{self.name}: bools {unknown or ''} where {self.where!r}")
        if any(o.is_list for o in self.outs) and (len(self.outs) > 1 or self.kind == "elementwise"):
            raise GrammarError(f"{self.name}: a list is the only output of its row")
        if self.kernel_reads and not self.kernel:
            raise GrammarError(f"{self.name}: kernel_reads without kernel")
        if self.composed and (not self.kernel or self.kind != "structured" or self.variadic):
            raise GrammarError(f"{self.name}: a composed row is a structured one with a kernel and single tensors")
        clash = {o.name for o in self.outs} & {p.name for p in self.params}
        if clash:
            raise GrammarError(f"{self.name}: {clash} name both a parameter and an output")

    def attr_index(self, name):
        return next(i for i, p in enumerate(self.attrs) if p.name == name)

    def param(self, name):
        return next(p for p in self.params if p.name == name)

    def formula(self, compute):
        """The tree of y for a compute type."""
        return self.y_int if compute == "i64" and self.y_int is not None else self.y

    # ---- names that formulas may mention ----

    def attr_names(self):
        return {p.name: Node("attr", p.name, sort=ATTR_SORT[p.type]) for p in self.attrs}

    def choices(self):
        return {p.name: p.choices for p in self.attrs if p.choices}

    def x_nodes(self):
        if self.variadic:
            return {self.tensors[0].name: Node("element")}
        return {p.name: Node("x", i, sort="mask" if p.name in self.bools else "tensor") for i, p in enumerate(self.tensors)}

    def y_names(self):
        return {**self.attr_names(), **self.x_nodes()}

    def vjp_names(self):
        names = self.y_names()
        if self.outs[0].is_list:
            return {**names, "g": Node("glist")}
        for k, out in enumerate(self.outs):
            if not out.kernel_only:
                names[out.name] = Node("y", k, sort="mask" if self.is_mask else "tensor")
            if k in self.diff_outs:
                names["g_" + out.name] = Node("g", k)
                if len(self.diff_outs) == 1:
                    names["g"] = Node("g", k)
        return names

    # ---- what the VJP of one input reads ----

    def reads(self, param):
        """(values of x, values of y, meta of x, meta of y) as sets of indices."""
        sets = {"x": set(range(len(self.tensors))) if self.composed else set(), "y": set(), "mx": set(), "my": set()}
        node = self.vjp.get(param.name)
        stack, seen = [node] if isinstance(node, Node) else [], set()
        while stack:
            n = stack.pop()
            if n in seen:
                continue
            seen.add(n)
            if n.kind == "meta" and n.args and n.args[0].kind in ("x", "y", "g", "element"):
                if n.args[0].kind != "g":
                    key = "my" if n.args[0].kind == "y" else "mx"
                    sets[key].add(n.args[0].value or 0)
                stack.extend(n.args[1:])
            elif n.kind in ("x", "y", "element"):
                sets["y" if n.kind == "y" else "x"].add(n.value or 0)
            else:
                stack.extend(n.children())
        if self.kernel and (isinstance(node, Node) or self.composed):
            tensors, outs = [p.name for p in self.tensors], [o.name for o in self.outs]
            for name in self.kernel_reads:
                sets["x" if name in tensors else "y"].add(tensors.index(name) if name in tensors else outs.index(name))
        return tuple(frozenset(sets[k]) for k in ("x", "y", "mx", "my"))

    @property
    def diff_params(self):
        """Tensor parameters with a derivative; one that is not implemented counts, so that using it raises."""
        return tuple(p for p in self.tensors if self.vjp[p.name] != "nondiff")

    def is_identity(self, param):
        return self.kind == "elementwise" and self.vjp[param.name] == Node("g", 0)


class Table:
    """All rows, by name, in the order of their opcodes."""

    def __init__(self):
        self.rows = {}

    def op(self, name, *args, **columns):
        if name in self.rows:
            raise GrammarError(f"{name} stands twice in the table")
        self.rows[name] = Op(name, *args, **columns)
        return self.rows[name]

    def __iter__(self):
        return iter(self.rows.values())

    def __getitem__(self, name):
        return self.rows[name]

    def __len__(self):
        return len(self.rows)

    def finish(self):
        """Parses every formula and runs every check; raises GrammarError with all that it found."""
        from .checks import check_table
        errors = []
        for op in self:
            try:
                self.parse_y(op)
                self.parse_vjp(op)
            except GrammarError as error:
                errors.append(str(error))
        if not errors:
            errors = check_table(self)
        if errors:
            raise GrammarError("\n".join(errors))
        return self

    def resolve_elementwise(self, name):
        op = self.rows.get(name)
        return op if op is not None and op.kind == "elementwise" else None

    def parse_y(self, op):
        if op.y_text is not None:
            op.y = self.parse_element(op, op.y_text)
        if op.y_int_text is not None:
            op.y_int = self.parse_element(op, op.y_int_text)

    def parse_element(self, op, text):
        if text.startswith("c:"):
            return Node("c", text[2:], tuple(op.x_nodes().values()), tuple(op.attr_names().items()),
                        sort="mask" if op.is_mask else "tensor")
        parser = Parser(op.y_names(), self.resolve_elementwise, f"{op.name}, y", elements=True, choices=op.choices())
        y = parser.parse(text)
        if (y.sort in ("mask", "bool")) != op.is_mask:
            raise GrammarError(f"{op.name}: y is {'' if y.sort in ('mask', 'bool') else 'not '}a truth value, "
                               f"types={op.types!r} says otherwise")
        return y

    def parse_vjp(self, op):
        text = op.vjp_text
        if text is None and op.is_mask:
            text = "nondiff"
        if text in ("nondiff", "not_implemented", "composed"):
            text = {p.name: text for p in op.tensors}
        text = text or {}
        unknown = set(text) - {p.name for p in op.tensors}
        missing = [p.name for p in op.tensors if p.name not in text]
        if unknown or missing:
            raise GrammarError(f"{op.name}: vjp misses {missing or 'nothing'} and names {sorted(unknown) or 'nothing'} too many")
        for name, formula in text.items():
            if formula in ("nondiff", "not_implemented") or op.composed:
                op.vjp[name] = formula
                continue
            parser = Parser(op.vjp_names(), self.rows.get, f"{op.name}, vjp of {name}", choices=op.choices())
            op.vjp[name] = parser.parse(formula)

    def differentiable(self, op):
        return any(isinstance(node, Node) for node in op.vjp.values())


def calls(node):
    return [n for n in walk(node) if n.kind == "call"]
