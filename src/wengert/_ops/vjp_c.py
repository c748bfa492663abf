"""VJP formulas as C functions over wg_apply: the path that records itself when create_graph asks for it.

Each function computes only the cotangents that are wanted, shares what several of them need, and leaves every temporary
released on success and on failure alike.
"""
import itertools

from .grammar import GrammarError, Node, walk

PRELUDE = r'''
/* The value itself when it has that shape already. */
static inline int sum_to(const wg_val *v, int64_t ndim, const int64_t *shape, wg_val *y) {
    int same = v->a.ndim == ndim;
    for (int64_t d = 0; same && d < ndim; d++) same = v->a.shape[d] == shape[d];
    if (!same) return wg_sum_to(v, (int)ndim, shape, y);
    wg_val_share(y, v);
    return 0;
}

static inline void number_of(wg_val *v, wg_attr a) {
    if (a.tag == WG_A_FLOAT) wg_number_float(v, a.f);
    else if (a.tag == WG_A_BOOL) wg_number_bool(v, (int)a.i);
    else wg_number_int(v, a.i);
}

/* Element k, counted from the end when negative; 1 outside, so that a wrong rank fails in the op that uses it. */
static inline int64_t at(const int64_t *v, int64_t n, int64_t k) {
    if (k < 0) k += n;
    return k >= 0 && k < n ? v[k] : 1;
}

/* Products of all sizes but the last k, and of the last k. */
static inline int64_t leading(const wg_array *a, int64_t k) {
    int64_t n = 1;
    for (int64_t d = 0; d < a->ndim - k; d++) n *= a->shape[d];
    return n;
}
static inline int64_t trailing(const wg_array *a, int64_t k) {
    int64_t n = 1;
    for (int64_t d = a->ndim > k ? a->ndim - k : 0; d < a->ndim; d++) n *= a->shape[d];
    return n;
}

/* The sum of the sizes before this input along a dimension: where cat put it. Empty vectors were skipped. A formula asks
 * for one input after another, so the sum goes on from the last answer (thousands of inputs must not cost their square). */
static inline int64_t prefix(wg_vjp_call *c, int i, int64_t dim) {
    if (i < c->summed || c->summed_dim != dim) { c->summed = 0; c->sum = 0; c->summed_dim = dim; }
    for (; c->summed < i; c->summed++) {
        const wg_array *a = &c->x[c->summed]->a;
        if (a->ndim != 1 || a->shape[0]) c->sum += at(a->shape, a->ndim, dim);
    }
    return c->sum;
}
'''


def default_attr(param):
    """The default of a parameter as a wg_attr initialiser."""
    value = param.default
    if value is None:
        return "WG_NONE"
    if param.type == "str":
        return f"WG_INT({param.choices.index(value)})"
    if param.type == "dtype":
        return f"WG_INT(WG_{ {'bool': 'BOOL', 'int64': 'I64', 'float32': 'F32', 'float64': 'F64'}[value]})"
    if param.type == "int[]":
        return f"WG_INTS(((const int64_t[]){{{', '.join(map(str, value)) or '0'}}}), {len(value)})"
    if isinstance(value, bool):
        return f"WG_BOOLEAN({int(value)})"
    if param.type == "float" or isinstance(value, float):
        return f"WG_FLOAT({c_double(value)})"
    return f"WG_INT({value})"


def c_double(value):
    value = float(value)
    if value != value:
        return "NAN"
    if value in (float("inf"), float("-inf")):
        return "INFINITY" if value > 0 else "(-INFINITY)"
    return repr(value)


class Writer:
    """Writes the VJP function of one row."""

    def __init__(self, table, op):
        self.table, self.op, self.lines, self.slots, self.indent = table, op, [], 0, 1
        self.scopes = [{}]
        self.absent = None

    def line(self, text):
        self.lines.append("    " * self.indent + text)

    def slot(self, count=1):
        self.slots += count
        return self.slots - count

    def lookup(self, node):
        for scope in reversed(self.scopes):
            if node in scope:
                return scope[node]
        return None

    # ---- numbers ----

    def number(self, n):
        """A C expression: double for float and Number, int64_t for the rest."""
        if n.kind == "const":
            return c_double(n.value) if n.sort == "float" else str(int(n.value))
        if n.kind == "attr":
            a = f"c->attr[{self.op.attr_index(n.value)}]"
            return f"wg_attr_float({a})" if n.sort in ("float", "number") else f"wg_attr_int({a})"
        if n.kind == "if":
            test, a, b = (self.number(a) for a in n.args)
            return f"({test} ? {a} : {b})"
        if n.kind == "op":
            args = [self.number(a) for a in n.args]
            if n.value == "div":
                return f"((double){args[0]} / (double){args[1]})"
            if n.value == "pow":
                return f"pow((double){args[0]}, (double){args[1]})"
            if n.value == "neg":
                return f"(-{args[0]})"
            if n.value == "logical_not":
                return f"(!{args[0]})"
            operator = {"add": "+", "sub": "-", "mul": "*", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">",
                        "ge": ">=", "logical_and": "&&", "logical_or": "||"}.get(n.value)
            if operator:
                return f"({args[0]} {operator} {args[1]})"
        if n.kind == "meta":
            return self.meta(n)
        raise GrammarError(f"{self.op.name}: no number can be made of {n.kind} {n.value!r}")

    def meta(self, n):
        first = n.args[0] if n.args else None
        if n.value == "given":
            if first.kind == "x":
                return f"(!wg_val_absent(c->x[{first.value}]))"
            return f"(c->attr[{self.op.attr_index(first.value)}].tag != WG_A_NONE)"
        if n.value == "position":
            return "i"
        if n.value == "prefix":
            return f"prefix(c, i, {self.number(n.args[1])})"
        if n.value in ("at", "len"):
            vector, length = self.vector(first)
            return f"(int64_t){length}" if n.value == "len" else f"at({vector}, {length}, {self.number(n.args[1])})"
        a = f"{self.leaf(first)}->a"
        if n.value in ("leading", "trailing"):
            return f"{n.value}(&{a}, {self.number(n.args[1])})"
        if n.value == "size":
            return f"at({a}.shape, {a}.ndim, {self.number(n.args[1])})"
        return {"numel": f"{a}.numel", "ndim": f"(int64_t){a}.ndim", "dtype": f"{a}.dtype"}[n.value]

    def vector(self, n):
        """Pointer and length of an int[]."""
        if n.kind == "attr":
            a = f"c->attr[{self.op.attr_index(n.value)}]"
            return f"{a}.v", f"{a}.n"
        if n.kind == "meta" and n.value == "shape":
            a = f"{self.leaf(n.args[0])}->a"
            return f"{a}.shape", f"{a}.ndim"
        if n.kind == "tuple":
            items = ", ".join(f"(int64_t){self.number(a)}" for a in n.args)
            return f"((const int64_t[]){{{items or '0'}}})", str(len(n.args))
        raise GrammarError(f"{self.op.name}: {n.kind} {n.value!r} is no int[]")

    def attribute(self, param, n):
        """A wg_attr for a parameter of the called row."""
        if n is None:
            return default_attr(param)
        if n.sort == "none":
            return "WG_NONE"
        if n.kind == "attr" and (n.sort in ("ints", "dtype", "str", "generator") or param.type in ("Number",)
                                 or self.op.param(n.value).type == param.type):
            return f"c->attr[{self.op.attr_index(n.value)}]"
        if n.kind == "if" and (n.args[1].sort == "none" or n.args[2].sort == "none" or n.sort in ("ints", "dtype")):
            return f"({self.number(n.args[0])} ? {self.attribute(param, n.args[1])} : {self.attribute(param, n.args[2])})"
        if param.type == "int[]":
            vector, length = self.vector(n)
            return f"WG_INTS({vector}, {length})"
        if param.type == "float" or (param.type == "Number" and n.sort in ("float", "number")):
            return f"WG_FLOAT({self.number(n)})"
        if param.type == "bool" or n.sort == "bool":
            return f"WG_BOOLEAN({self.number(n)})"
        return f"WG_INT({self.number(n)})"

    # ---- tensors ----

    @staticmethod
    def leaf(n):
        return {"x": f"c->x[{n.value}]", "y": f"c->y[{n.value}]", "g": f"c->g[{n.value}]", "glist": "c->g[0]", "element": "c->x[i]"}[n.kind]

    def operand(self, n):
        """An expression of type const wg_val *; whatever it needs is written before."""
        if n.kind in ("x", "y", "g", "element"):
            return self.leaf(n)
        known = self.lookup(n)
        if known is None:
            known = self.scopes[-1][n] = self.compute(n)
        return known

    def compute(self, n, target=None):
        if n.sort == "none":
            if self.absent is None:
                self.absent = self.slot()
            return f"&t[{self.absent}]"
        if not n.is_tensor:
            slot = f"&t[{self.slot()}]"
            if n.kind == "attr" and n.sort == "number":
                self.line(f"number_of({slot}, c->attr[{self.op.attr_index(n.value)}]);")
            else:
                kind = "float" if n.sort in ("float", "number") else n.sort
                self.line(f"wg_number_{kind}({slot}, {self.number(n)});")
            return slot
        if n.kind == "item":
            base = self.operand(n.args[0])
            return f"&t[{int(base[3:-1]) + n.value}]"
        if n.kind == "if":
            slot = target or f"&t[{self.slot()}]"
            self.line(f"if ({self.number(n.args[0])}) {{")
            self.branch(n.args[1], slot)
            self.line("} else {")
            self.branch(n.args[2], slot)
            self.line("}")
            return slot
        called = self.table[n.value]
        if n.args and n.args[0].kind == "glist":
            operands, count, operand_text = [], "c->ny", "c->g"
        else:
            operands = [self.operand(a) for a in n.args]
            count, operand_text = len(operands), f"(const wg_val *const[]){{{', '.join(operands)}}}"
        outs = len(called.outs)
        if target is None or outs > 1:
            target = f"&t[{self.slot(outs)}]"
        given = dict(n.attrs)
        if called.name == "to_dtype":
            self.line(f"if (wg_cast({operands[0]}, {self.number(given['dtype'])}, {target}) < 0) goto fail;")
            return target
        if called.name == "sum_to":
            vector, length = self.vector(given["shape"])
            self.line(f"if (sum_to({operands[0]}, {length}, {vector}, {target}) < 0) goto fail;")
            return target
        attrs = "NULL"
        if called.attrs:
            attrs = f"(const wg_attr[]){{{', '.join(self.attribute(p, given.get(p.name)) for p in called.attrs)}}}"
        self.line(f"if (wg_apply(WG_OP_{called.name}, {operand_text}, {count}, "
                  f"{attrs}, {target}) < 0) goto fail;")
        return target

    def branch(self, n, slot):
        self.indent += 1
        self.scopes.append({})
        if n.kind in ("call", "if") and n.is_tensor and self.lookup(n) is None and not self.several(n):
            self.compute(n, slot)
        else:
            self.line(f"wg_val_share({slot}, {self.operand(n)});")
        self.scopes.pop()
        self.indent -= 1

    def several(self, n):
        return n.kind == "call" and len(self.table[n.value].outs) > 1

    def result(self, i, n):
        """Writes the cotangent of input i (an index, or "i" in the loop of a variadic row)."""
        if n.kind in ("call", "if") and n.is_tensor and self.lookup(n) is None and not self.several(n):
            self.compute(n, f"&c->gx[{i}]")
            return
        self.line(f"wg_val_share(&c->gx[{i}], {self.operand(n)});")

    # ---- the function ----

    def shared(self, formulas):
        """Values that several inputs need whatever the attributes are, with the mask of those inputs."""
        reach = {}
        for i, formula in formulas:
            for n in unconditional(formula):
                if n.is_tensor and n.kind in ("call", "if"):
                    reach.setdefault(n, set()).add(i)
        order = []
        for _, formula in formulas:
            order += [n for n in walk(formula) if n in reach and len(reach[n]) > 1 and n not in order]
        return [(n, sorted(reach[n])) for n in order]

    def write(self):
        op = self.op
        if op.composed:
            return f"static int vjp_{op.name}(wg_vjp_call *c) {{ return wg_composed_vjp(c, wg_compose_{op.name}); }}"
        formulas = [(i, op.vjp[p.name]) for i, p in enumerate(op.tensors) if isinstance(op.vjp[p.name], Node)]
        if op.variadic:
            self.line("for (int i = 0; i < c->nx; i++) {")
            self.indent += 1
            self.line("if (!c->want[i]) continue;")
            self.result("i", formulas[0][1])
            if self.slots:
                self.line(f"for (int k = 0; k < {self.slots}; k++) wg_val_release(&t[k]);")
            self.indent -= 1
            self.line("}")
        else:
            for inputs, group in itertools.groupby(self.shared(formulas), key=lambda pair: pair[1]):
                self.line(f"if ({' || '.join(f'c->want[{i}]' for i in inputs)}) {{")
                self.indent += 1
                self.scopes.append({})                  # numbers made here are not there for other inputs
                values = {n: self.operand(n) for n, _ in group}
                self.scopes.pop()
                self.scopes[0].update(values)
                self.indent -= 1
                self.line("}")
            for i, p in enumerate(op.tensors):
                formula = op.vjp[p.name]
                if formula == "nondiff":
                    continue
                self.line(f"if (c->want[{i}]) {{")
                self.indent += 1
                self.scopes.append({})
                if formula == "not_implemented":
                    self.line(f'wg_fail(WG_NOT_IMPLEMENTED, "the derivative of %s for its argument \'%s\' is not implemented", '
                              f'"{op.name}", "{p.python_name}");')
                    self.line("goto fail;")
                else:
                    self.result(i, formula)
                self.scopes.pop()
                self.indent -= 1
                self.line("}")
        return self.assemble()

    def release_early(self):
        """Gives each temporary back after its last use, where that is in the block that made it: what a later row needs
        can then be what an earlier one held. A release at the end finds the rest, and on failure all."""
        def indent(line):
            return len(line) - len(line.lstrip())

        after = {}
        for k in range(self.slots):
            uses = [i for i, line in enumerate(self.lines) if f"&t[{k}]" in line]
            if not uses or "number" in self.lines[uses[0]]:
                continue
            first, last = uses[0], uses[-1]
            block = indent(self.lines[first])
            while last < len(self.lines) and (indent(self.lines[last]) > block or self.lines[last].endswith("{")):
                last += 1
            same_block = all(indent(line) >= block for line in self.lines[first:last + 1])
            if same_block and any("wg_apply" in line for line in self.lines[last + 1:]):
                after.setdefault(last, []).append(" "*block + f"wg_val_release(&t[{k}]);")
        self.lines = [text for i, line in enumerate(self.lines) for text in (line, *after.get(i, ()))]

    def assemble(self):
        self.release_early()
        body = "\n".join(self.lines)
        head = [f"static int vjp_{self.op.name}(wg_vjp_call *c) {{"]
        release = []
        if self.slots:
            head.append(f"    wg_val t[{self.slots}];")
            head.append(f"    for (int k = 0; k < {self.slots}; k++) wg_val_clear(&t[k]);")
            release = [f"    for (int k = 0; k < {self.slots}; k++) wg_val_release(&t[k]);"]
        if "goto fail" not in body:
            return "\n".join(head + [body] + release + ["    return 0;", "}"])
        head.append("    int status = -1;")
        return "\n".join(head + [body, "    status = 0;", "fail:"] + release + ["    return status;", "}"])


def unconditional(node):
    """Nodes that are evaluated whatever the attribute tests say."""
    seen, stack = set(), [node]
    while stack:
        n = stack.pop()
        if n in seen:
            continue
        seen.add(n)
        stack.extend(n.args[:1] if n.kind == "if" else n.children())
    return seen


def has_vjp(op):
    return any(v != "nondiff" for v in op.vjp.values())


def emit_vjps(table):
    return PRELUDE.strip() + "\n\n" + "\n\n".join(Writer(table, op).write() for op in table if has_vjp(op))
