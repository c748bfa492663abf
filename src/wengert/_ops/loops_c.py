"""The elementwise loops: forward and fused VJP, per compute type, and the table of one ISA level."""
from dataclasses import dataclass

from .grammar import GrammarError, Node, walk
from .scalar import COMPUTES, CTYPE, RESERVED, Scalar, attr_ctype, computes_of, inline_choices, open_test, row_function

#: Nanoseconds a float32 element of a function of wg_math.h, at one thread on a 512-bit machine, for the threading threshold.
COST = {"exp": .2, "exp2": .15, "expm1": .2, "log": .25, "log2": .45, "log10": .45, "log1p": .5, "tanh": .25, "sigmoid": .2, "silu": .2, "gelu": .5, "gelu_tanh": .4, "gelu_slope": .3, "ndtr": .5,
        "log_sigmoid": .5, "softplus": .5, "erf": .4, "erfc": .9, "sin": .45, "cos": .45, "tan": .55, "asin": .4, "acos": .4, "atan": .7,
        "atan2": 1.0, "sinh": .5, "cosh": .4, "asinh": 1.1, "acosh": .9, "atanh": .7, "hypot": .3, "pow": 1.4, "sqrt": .1, "rsqrt": .1,
        "reciprocal": .05, "fmod": .45, "remainder": .5, "floor_divide": .7, "xlogy": .3, "abs": .02, "sign": .02, "round": .02,
        "frac": .02, "copysign": .02, "isnan": .02, "isfinite": .02, "signbit": .02, "heaviside": .03, "not": .02}
COST_DEFAULT = 1.5


@dataclass(frozen=True)
class Loop:
    """One contiguous loop. inputs: (name, node, is_bool); outputs: (name, formula, is_bool)."""

    name: str
    op: object
    inputs: tuple
    outputs: tuple
    computes: tuple
    is_vjp: bool
    operands: tuple = ()            # of a VJP loop: WG_OPERAND codes of the inputs
    mask: int = 0


def forward_loop(op):
    inputs = tuple((name, node, name in op.bools) for name, node in op.x_nodes().items())
    return Loop(op.name, op, inputs, ((op.outs[0].name, op.y, op.is_mask),), computes_of(op), False)


def fusable(table, node):
    """Can a loop compute this VJP formula? Not if it calls structured rows or looks at shapes."""
    for n in walk(node):
        if n.kind == "call" and table[n.value].kind != "elementwise":
            return False
        if n.kind == "item" or (n.kind == "meta" and n.value != "given"):
            return False
    return True


def vjp_loops(table, op):
    """mask -> Loop, for every mask of inputs whose cotangent takes arithmetic."""
    wanted = [(i, p) for i, p in enumerate(op.tensors)
              if isinstance(op.vjp[p.name], Node) and not op.is_identity(p) and fusable(table, op.vjp[p.name])]
    loops = {}
    for bits in range(1, 1 << len(wanted)):
        chosen = [wanted[k] for k in range(len(wanted)) if bits >> k & 1]
        mask = sum(1 << i for i, _ in chosen)
        formulas = [inline_choices(table, op.vjp[p.name]) for _, p in chosen]
        used = {n for f in formulas for n in walk(f) if n.kind in ("g", "x", "y")}
        inputs, codes = [], []
        for kind, code in (("g", "WG_OPERAND_G"), ("x", "WG_OPERAND_X({})"), ("y", "WG_OPERAND_Y({})")):
            for n in sorted((n for n in used if n.kind == kind), key=lambda n: n.value):
                name = op.tensors[n.value].name if kind == "x" else op.outs[0].name if kind == "y" else "g"
                is_bool = name in op.bools if kind == "x" else kind == "y" and op.is_mask
                inputs.append((name, n, is_bool))
                codes.append(code.format(n.value))
        outputs = tuple(("g_" + p.name, f, False) for (_, p), f in zip(chosen, formulas))
        loops[mask] = Loop(f"{op.name}_vjp{mask}", op, tuple(inputs), outputs, ("f32", "f64"), True, tuple(codes), mask)
    return loops


def all_loops(table):
    """Every loop, in the order of its id, and for each row its VJP loops by mask."""
    loops = [forward_loop(op) for op in table if op.kind == "elementwise"]
    by_op = {}
    for op in table:
        if op.kind == "elementwise":
            by_op[op.name] = vjp_loops(table, op)
            loops += by_op[op.name].values()
    return loops, by_op


def function_name(loop, compute):
    return f"wg_loop_{loop.name}_{compute}"


def symbol(loop, compute):
    """The function that serves this compute type, or None. Loops over bools alone serve every type."""
    if compute not in loop.computes:
        return None
    return function_name(loop, "i64" if loop.op.types == "logical" and not loop.is_vjp else compute)


def outputs_of(loop, compute):
    """(name, formula, is_bool) of the outputs, in this compute type."""
    if loop.is_vjp:
        return loop.outputs
    return tuple((name, loop.op.formula(compute), is_bool) for name, _, is_bool in loop.outputs)


def functions(loop):
    """The compute types for which a function is emitted."""
    return ("i64",) if loop.op.types == "logical" and not loop.is_vjp else loop.computes


def ctype(is_bool, compute):
    return "uint8_t" if is_bool else CTYPE[compute]


def emit_loop(table, loop, compute):
    op = loop.op
    names = [n for n, _, _ in loop.inputs + loop.outputs] + [p.name for p in op.attrs]
    if RESERVED & set(names):
        raise GrammarError(f"{op.name}: {RESERVED & set(names)} cannot name anything in a loop")
    lines = [f"void WG_LEVEL({function_name(loop, compute)})(int64_t count, char *const *operand, const wg_attr *attr) {{"]
    if loop.is_vjp:         # the attribute behind the op's own says which outputs are added to
        noperand = len(loop.outputs) + len(loop.inputs)
        nbytes = sum(1 << len(loop.outputs) + k for k, (_, _, is_bool) in enumerate(loop.inputs) if is_bool)
        lines.append(f"    if (attr[{len(op.attrs)}].i) {{")
        lines.append(f"        wg_vjp_add_{compute}(WG_LEVEL({function_name(loop, compute)}), count, operand, attr, "
                     f"{len(op.attrs)}, {len(loop.outputs)}, {noperand}, {nbytes});")
        lines += ["        return;", "    }"]
    elif not op.attrs:
        lines.append("    (void)attr;")
    for k, (name, _, is_bool) in enumerate(loop.outputs):
        lines.append(f"    {ctype(is_bool, compute)} *to_{name} = ({ctype(is_bool, compute)} *)operand[{k}];")
    for k, (name, _, is_bool) in enumerate(loop.inputs):
        t = ctype(is_bool, compute)
        lines.append(f"    const {t} *at_{name} = (const {t} *)operand[{len(loop.outputs) + k}];")
    formulas = [f for _, f, _ in outputs_of(loop, compute)]
    used = {n.value for f in formulas for n in walk(f) if n.kind == "attr"}
    for k, p in enumerate(op.attrs):
        if p.name not in used:
            continue
        if p.optional:
            lines.append(f"    const int has_{p.name} = attr[{k}].tag != WG_A_NONE;")
            lines.append(f"    (void)has_{p.name};")
        kind = attr_ctype(p, compute)
        lines.append(f"    const {kind} {p.name} = {'wg_attr_float' if kind == 'double' else 'wg_whole'}(attr[{k}]);")
        lines.append(f"    (void){p.name};")
    lines += ["    " + line for line in choose(table, loop, compute, formulas, {})]
    lines.append("}")
    return "\n".join(lines)


def choose(table, loop, compute, formulas, assume):
    """Decides each attribute test once, before the elements."""
    test = open_test(formulas, assume)
    if test is None:
        return body(table, loop, compute, assume)
    lines = [f"if ({Scalar(table, loop.op, compute, assume).number(test)}) {{"]
    lines += ["    " + line for line in choose(table, loop, compute, formulas, {**assume, test: True})]
    lines.append("} else {")
    lines += ["    " + line for line in choose(table, loop, compute, formulas, {**assume, test: False})]
    return lines + ["}"]


def body(table, loop, compute, assume):
    """The loop over the elements; in blocks, with a fast and a general body, where a function asks for easy arguments."""
    general = element(table, loop, compute, assume, fast=False)
    unused = [f"(void)at_{name};" for name in general.unused]
    if not general.easy:
        return unused + ["WG_VECTOR", "for (int64_t at = 0; at < count; at++) {",
                         *indent(general.reads + general.binds + general.writes), "}"]
    fast = element(table, loop, compute, assume, fast=True)
    look = fast.reads + fast.binds + [f"(void){line.split(' = ')[0].split()[-1]};" for line in fast.reads + fast.binds]
    look += [f"hard |= 1u ^ {condition};" for condition in dict.fromkeys(fast.easy)]
    head = "for (int64_t at = first; at < last; at++) {"
    return unused + [
        "for (int64_t first = 0; first < count; first += WG_EASY_BLOCK) {       /* Note [Easy arguments] in wg_math_easy.h */",
        *indent(["const int64_t last = count - first < WG_EASY_BLOCK ? count : first + WG_EASY_BLOCK;", "uint32_t hard = 0;",
                 "WG_VECTOR", head, *indent(look), "}",
                 "if (!hard) {", *indent(["WG_VECTOR", head, *indent(fast.reads + fast.binds + fast.writes), "}"]),
                 "} else {", *indent([head, *indent(general.reads + general.binds + general.writes), "}"]), "}"]), "}"]


def indent(lines):
    return ["    " + line for line in lines]


@dataclass
class Element:
    """The statements for one element, and the conditions under which they are right."""

    reads: list
    binds: list
    writes: list
    unused: list
    easy: list


def element(table, loop, compute, assume, fast):
    scalar = Scalar(table, loop.op, compute, assume, fast)
    reads, writes = [], []
    outputs, reachable = outputs_of(loop, compute), set()
    for _, f, _ in outputs:
        reachable |= set(walk_assumed(f, assume))
    for name, node, is_bool in loop.inputs:
        scalar.names[node] = name
        if node in reachable:
            source = f"at_{name}[at]"
            reads.append(f"const {'int' if is_bool else CTYPE[compute]} {name} = {source + ' != 0' if is_bool else source};")
    binds = scalar.bind([f for _, f, _ in outputs])
    for k, (_, f, is_bool) in enumerate(outputs):
        value = scalar.truth(f) if is_bool else scalar.value(f)
        writes.append(f"const {'int' if is_bool else CTYPE[compute]} result{k} = {value};")
    for k, (name, _, is_bool) in enumerate(loop.outputs):
        writes.append(f"to_{name}[at] = {'(uint8_t)' if is_bool else ''}result{k};")
    return Element(reads, binds, writes, [name for name, node, _ in loop.inputs if node not in reachable], scalar.easy)


def walk_assumed(node, assume):
    """Every node that is evaluated when the tests have these outcomes."""
    seen, stack = set(), [node]
    while stack:
        n = stack.pop()
        if n in seen:
            continue
        seen.add(n)
        if n.kind == "if" and n.args[0] in assume:
            stack.append(n.args[1 if assume[n.args[0]] else 2])
        else:
            stack.extend(n.children())
    return seen


def cost(table, loop):
    """An estimate from the functions in the formulas, nested rows included; memory traffic on top."""
    if loop.op.cost is not None and not loop.is_vjp:
        return loop.op.cost
    total, seen, stack = 0.05 * (len(loop.inputs) + len(loop.outputs)), set(), [f for _, f, _ in loop.outputs]
    while stack:
        n = stack.pop()
        if n in seen or not n.is_tensor:
            continue
        seen.add(n)
        stack.extend(n.args)
        if n.kind == "c":
            total += COST.get(n.value, COST_DEFAULT)
        elif n.kind == "op":
            total += .03 if n.value != "div" else .1
        elif n.kind == "call":
            called = table[n.value]
            total += called.cost or 0
            if called.cost is None:
                stack.append(called.y)
    return round(total, 3)


def nested_rows(table):
    """Rows that loops nest, each after those it nests itself."""
    order, seen = [], set()

    def visit(formula):
        for n in walk(formula):
            if n.kind == "call" and n.value not in seen:
                op = table[n.value]
                seen.add(n.value)
                for y in (op.y, op.y_int):
                    if y is not None:
                        visit(y)
                order.append(op)

    for loop in all_loops(table)[0]:
        for _, formula, _ in loop.outputs:
            visit(formula)
        if not loop.is_vjp and loop.op.y_int is not None:
            visit(loop.op.y_int)
    return order


def emit_rows_header(table):
    """Inline functions of all rows that have a formula of their own, for nesting."""
    parts = []
    for op in nested_rows(table):
        for compute in computes_of(op):
            if op.formula(compute).kind == "c":
                continue
            parts.append(row_function(table, op, compute))
    return "\n\n".join(parts)


def distribute(table, loops, files):
    """Cuts the loops into parts of about the same amount of code, neighbours together."""
    weights = [sum(len(emit_loop(table, loop, c)) for c in functions(loop)) for loop in loops]
    total, parts, current, done = sum(weights), [[]], 0, 0
    for loop, weight in zip(loops, weights):
        if parts[-1] and current + weight / 2 > (total - done) / (files - len(parts) + 1) and len(parts) < files:
            parts.append([])
            done += current
            current = 0
        parts[-1].append(loop)
        current += weight
    return parts


def emit_level_table(loops):
    prototypes = [f"void WG_LEVEL({function_name(loop, c)})(int64_t, char *const *, const wg_attr *);"
                  for loop in loops for c in functions(loop)]
    rows = []
    for loop in loops:
        entries = [f"WG_LEVEL({symbol(loop, c)})" if symbol(loop, c) else "NULL" for c in COMPUTES]
        rows.append(f"    {', '.join(entries)},")
    return "\n".join(prototypes) + "\n\nconst wg_loop_fn WG_LEVEL(wg_loops)[] = {\n" + "\n".join(rows) + "\n};"
