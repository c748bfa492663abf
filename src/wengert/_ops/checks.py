"""What must hold for the whole table: coverage, closure, linearity.

Each check returns messages instead of raising, so that one build names everything that is wrong.
"""
from .grammar import Node, walk


def check_table(table):
    errors = []
    for op in table:
        for param in op.tensors:
            node = op.vjp[param.name]
            if isinstance(node, Node):
                errors += check_closure(table, op, param, node)
                errors += check_linear(table, op, param, node)
        errors += check_groups(table, op)
        errors += check_recursion(table, op)
    return errors


def depends_on_tape(op, node):
    """Could a gradient be asked of this value when the VJP is itself differentiated?"""
    names = [p.name for p in op.tensors]
    return any(n.kind in ("g", "glist", "element") or (n.kind == "y" and n.value in op.diff_outs)
               or (n.kind == "x" and op.vjp[names[n.value]] != "nondiff") for n in walk(node))


def check_closure(table, op, param, node):
    """Every row a VJP names has a derivative wherever the VJP's derivative would need it."""
    errors = []
    for n in walk(node):
        if n.kind != "call":
            continue
        called = table[n.value]
        for p, arg in zip(called.tensors, n.args):
            if called.vjp[p.name] == "not_implemented" and depends_on_tape(op, arg):
                errors.append(f"{op.name}, vjp of {param.name}: {called.name} has no derivative for {p.name!r}, so higher "
                              f"orders would not exist")
    for n in walk(node):
        if n.kind == "y" and op.outs[n.value].kernel_only:
            errors.append(f"{op.name}, vjp of {param.name}: output {op.outs[n.value].name} is for the kernel only")
    return errors


def linear_groups(table, op):
    """The sets of parameters in which a row is jointly linear, as declared, or found for rows with one tensor."""
    if op.linear_text is not None:
        groups = (op.linear_text,) if isinstance(op.linear_text, str) else op.linear_text
        return tuple(frozenset(s.strip() for s in group.split("+")) for group in groups)
    if len(op.tensors) == 1 and isinstance(op.vjp[op.tensors[0].name], Node):
        x, y, _, _ = op.reads(op.tensors[0])
        if not x and not y:
            return (frozenset([op.tensors[0].name]),)
    return ()


def check_groups(table, op):
    """A declared linear group must agree with the derivatives: none of them may read a member's value, or y's."""
    errors = []
    if op.linear_text is None:
        return errors
    names = [p.name for p in op.tensors]
    for group in linear_groups(table, op):
        for name in sorted(group):
            if name not in names:
                errors.append(f"{op.name}: linear names {name!r}, which is no tensor parameter")
                continue
            if not isinstance(op.vjp[name], Node):
                errors.append(f"{op.name}: linear in {name!r}, which has no derivative")
                continue
            x, y, _, _ = op.reads(op.param(name))
            read = {names[i] for i in x} & group
            if (read or y & set(op.diff_outs)) and not op.kernel:
                errors.append(f"{op.name}: linear in {name!r}, yet its derivative reads {sorted(read) or 'the output'}")
    return errors


class NotLinear(Exception):
    pass


def degree(table, node, memo):
    """0: independent of g; 1: linear in g; None: the literal zero, which is both. Raises NotLinear."""
    if node in memo:
        return memo[node]
    if node.kind in ("g", "glist"):
        result = 1
    elif node.kind == "const" and node.sort in ("int", "float") and node.value == 0:
        result = None
    elif node.kind == "if":
        a, b = (degree(table, n, memo) for n in node.args[1:])
        if {a, b} == {0, 1}:
            raise NotLinear("one branch of an `if` depends on g and the other does not")
        result = b if a is None else a
    elif node.kind == "item":
        result = degree(table, node.args[0], memo)
    elif node.kind == "call":
        op = table[node.value]
        degrees = [degree(table, a, memo) for a in node.args]
        carrying = {p.name for p, d in zip(op.tensors, degrees) if d == 1}
        neutral = {p.name for p, d in zip(op.tensors, degrees) if d is None}
        result = 0
        if carrying:
            result = 1
            if not any(carrying <= group and group <= carrying | neutral for group in linear_groups(table, op)):
                raise NotLinear(f"{op.name} is not linear in {', '.join(sorted(carrying))}")
    else:
        result = 0
    memo[node] = result
    return result


def check_linear(table, op, param, node):
    """A VJP is linear in the cotangents."""
    try:
        if degree(table, node, {}) == 0:
            return [f"{op.name}, vjp of {param.name}: does not depend on g"]
    except NotLinear as error:
        return [f"{op.name}, vjp of {param.name}: not linear in g: {error}"]
    return []


def check_recursion(table, op):
    """y= formulas nest; they must not nest into themselves."""
    stack, seen = [op], set()
    while stack:
        current = stack.pop()
        if current.y is None:
            continue
        for n in walk(current.y):
            if n.kind != "call":
                continue
            if n.value == op.name:
                return [f"{op.name}: its formula calls itself through {current.name}"]
            if n.value not in seen:
                seen.add(n.value)
                stack.append(table[n.value])
    return []
