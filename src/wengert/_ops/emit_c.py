"""Writes the C of the table: `python emit_c.py OUTDIR [--list]`.

wg_ops_gen.h        opcodes, loop numbers, prototypes of what is written by hand
wg_ops_table.c      wg_ops[], parameters, save sets, loop descriptions, public names
wg_vjp_formulas.c   one function per row, over wg_apply (included by the table, so that everything is static)
wg_rows_gen.h       inline functions through which formulas nest
loops_<k>.c         elementwise loops, compiled once per ISA level, and loops_table.c with the level's table

The output depends on the table only: two runs write the same bytes, and a file that would not change is not touched.
"""
import importlib.util
import sys
from pathlib import Path

if not __package__:                                     # run as a script, before wengert can be imported
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location("wengert_ops", here / "__init__.py", submodule_search_locations=[str(here)])
    sys.modules["wengert_ops"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["wengert_ops"])
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != here]
    __package__ = "wengert_ops"

from . import loops_c, vjp_c
from .grammar import Node

BANNER = "/* Generated from src/wengert/_ops by emit_c.py: do not edit. */\n"
LOOP_FILES = 4
TYPES = {"any": "ANY", "float": "FLOAT", "compare": "COMPARE", "int": "INT", "logical": "LOGICAL", "predicate": "PREDICATE",
         "numeric": "NUMERIC", "float_only": "FLOAT_ONLY"}
TYPE_RULES = {
    "any": "Computes in the promoted type of its operands.",
    "float": "Computes in floating point: integers become the default type first.",
    "compare": "Compares in the promoted type; the result is bool.",
    "int": "For integers and bools only.",
    "logical": "Of truth values; the result is bool.",
    "predicate": "The result is bool.",
    "numeric": "Computes in the promoted type of its operands; raises for bools.",
    "float_only": "For floating point only; raises for integers.",
}
KINDS = {"elementwise": "ELEMENTWISE", "structured": "STRUCTURED", "view": "VIEW"}
PARAM_TYPES = {"Tensor": "TENSOR", "Tensor[]": "TENSORS", "Number": "NUMBER", "int": "INT", "int[]": "INTS", "float": "FLOAT",
               "bool": "BOOL", "dtype": "DTYPE", "str": "STR", "Generator": "GENERATOR"}


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def strings(items):
    """A NULL-terminated array of strings, or NULL."""
    return f"(const char *const[]){{{', '.join([quote(s) for s in items] + ['NULL'])}}}" if items else "NULL"


def bits(indices):
    return sum(1 << i for i in indices)


def header(table, loops):
    ops = "\n".join(f"    WG_OP_{op.name}," for op in table)
    numbers = "\n".join(f"    WG_LOOP_{loop.name}," for loop in loops)
    hand = []
    for op in table:
        if op.kind != "elementwise":
            if op.list_out:
                hand.append(f"int wg_count_{op.name}(const wg_val *const *x, int nx, const wg_attr *attr);")
            hand.append(f"int wg_forward_{op.name}(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y);")
        if op.kernel:
            hand.append(f"int wg_vjp_kernel_{op.name}(wg_vjp_call *c);")
        if op.composed:
            hand.append(f"int wg_compose_{op.name}(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y);")
        if op.check:
            hand.append(f"int wg_check_{op.name}(const wg_val *const *x, const wg_attr *attr);")
    return f"""{BANNER}#ifndef WG_OPS_GEN_H
#define WG_OPS_GEN_H

#include "wg_op.h"

enum {{
{ops}
    WG_NOPS
}};

enum {{
{numbers}
    WG_NLOOPS
}};

/* The public face: a name and the rows that are its overloads, to be tried in order. */
typedef struct wg_public {{
    const char *name;
    uint8_t where;                              /* WG_IN_* */
    uint8_t inplace;                            /* name_ exists too */
    uint8_t nops;
    int16_t ops[6];
}} wg_public;
enum {{ WG_IN_TORCH = 1, WG_IN_METHOD = 2, WG_IN_FUNCTIONAL = 4, WG_IN_SPECIAL = 8, WG_IN_LINALG = 16 }};
extern const wg_public wg_publics[];
extern const int wg_npublics;

{chr(10).join(hand)}

#endif
"""


def publics(table):
    """name -> (where, inplace, [rows]), in order of first mention; rows that share a name are overloads."""
    names = {}

    def add(name, where, op):
        old_where, inplace, rows = names.get(name, (0, False, []))
        names[name] = (old_where | where, inplace or op.inplace, rows if op in rows else rows + [op])

    for op in table:
        where = bits("tmfsl".index(w) for w in op.where)
        if op.public:
            add(op.public, where, op)
        for alias in op.aliases:
            space, _, name = alias.rpartition(".")
            add(name, bits(["tmfsl".index(space[0])]) if space else where, op)
    return names


def emit_params(op):
    rows = []
    for p in op.params:
        value = vjp_c.default_attr(p) if p.has_default else "WG_NONE"
        rows.append(f"    {{{quote(p.python_name)}, WG_P_{PARAM_TYPES[p.type]}, {int(p.optional)}, {int(p.keyword_only)}, "
                    f"{int(p.has_default)}, {static_attr(p, value)}, {strings(p.choices)}, {strings(p.aliases)}}},")
    return f"static const wg_param params_{op.name}[] = {{\n" + "\n".join(rows) + "\n};"


def static_attr(p, value):
    """WG_INT(3) as an initialiser of a static object: compound literals are no constants."""
    if value == "WG_NONE":
        return "{.tag = WG_A_NONE}"
    kind, inside = value.split("(", 1)
    inside = inside[:-1]
    if kind == "WG_INTS":
        vector, length = inside.rsplit(", ", 1)
        return f"{{.v = {vector[1:-1]}, .n = {length}, .tag = WG_A_INTS}}"
    field = "f" if kind == "WG_FLOAT" else "i"
    return f"{{.{field} = {inside}, .tag = WG_A_{ {'WG_INT': 'INT', 'WG_FLOAT': 'FLOAT', 'WG_BOOLEAN': 'BOOL'}[kind]}}}"


def emit_saves(op):
    """Per input: bits of the inputs and outputs whose value, and whose shape or dtype, its VJP reads."""
    reads = [op.reads(p) for p in op.tensors]
    lines = []
    for k, name in enumerate(("save_x", "save_y", "meta_x", "meta_y")):
        lines.append(f"static const uint32_t {name}_{op.name}[] = {{{', '.join(hex(bits(r[k])) for r in reads) or '0'}}};")
    return "\n".join(lines)


def emit_vjp_loops(op, loops):
    if not loops:
        return ""
    rows = []
    for mask in range(1 << len(op.tensors)):
        loop = loops.get(mask)
        if loop is None:
            rows.append("    {.loop = -1},")
        else:
            rows.append(f"    {{WG_LOOP_{loop.name}, {len(loop.operands)}, {{{', '.join(loop.operands)}}}}},")
    return f"static const wg_vjp_loop vjp_loops_{op.name}[] = {{\n" + "\n".join(rows) + "\n};"


def doc(op):
    """The docstring: what is computed, from what, and where the derivative comes from."""
    lines = [op.doc] if op.doc else []
    if op.kind == "elementwise" and op.where:
        lines.append(TYPE_RULES[op.types] + (" The operands are broadcast." if len(op.tensors) > 1 else ""))
    if op.y_text and not op.y_text.startswith("c:"):
        lines.append(f"Element by element: y = {op.y_text}")
    for p in op.tensors:
        text = op.vjp_text.get(p.name) if isinstance(op.vjp_text, dict) else op.vjp_text
        if text and isinstance(op.vjp[p.name], Node):
            lines.append(f"Gradient of {p.python_name}: {text}")
    return "\n".join(lines)


def emit_op(op, loops):
    fields = {
        "name": quote(op.name), "grad_name": quote(op.grad_name), "kind": f"WG_OP_{KINDS[op.kind]}",
        "types": f"WG_T_{TYPES[op.types]}", "nin": -1 if op.variadic else len(op.tensors), "nout": "WG_LIST_OUT" if op.list_out else len(op.outs),
        "nhidden": sum(o.hidden for o in op.outs), "nattr": len(op.attrs), "materialize": int(op.materialize),
        "inplace": int(op.inplace), "number_ok": int(op.number_ok), "private_": int(not op.where),
        "diff_in": hex(bits(i for i, p in enumerate(op.tensors) if op.vjp[p.name] != "nondiff")),
        "diff_out": hex(bits(op.diff_outs) if vjp_c.has_vjp(op) else 0),
        "identity": hex(bits(i for i, p in enumerate(op.tensors) if op.is_identity(p))),
        "save_x": f"save_x_{op.name}", "save_y": f"save_y_{op.name}", "meta_x": f"meta_x_{op.name}",
        "meta_y": f"meta_y_{op.name}",
        "count_out": f"wg_count_{op.name}" if op.list_out else "NULL",
        "forward": "NULL" if op.kind == "elementwise" else f"wg_forward_{op.name}",
        "check": f"wg_check_{op.name}" if op.check else "NULL",
        "vjp_formula": f"vjp_{op.name}" if vjp_c.has_vjp(op) else "NULL",
        "vjp_kernel": f"wg_vjp_kernel_{op.name}" if op.kernel else "NULL",
        "loop": f"WG_LOOP_{op.name}" if op.kind == "elementwise" else -1,
        "vjp_loops": f"vjp_loops_{op.name}" if loops else "NULL",
        "nparam": len(op.params), "params": f"params_{op.name}",
        "returns": strings([o.name for o in op.outs if not o.hidden]) if op.returns else "NULL",
        "doc": quote(doc(op)),
    }
    return f"    [WG_OP_{op.name}] = {{" + ", ".join(f".{k} = {v}" for k, v in fields.items()) + "},"


def emit_table(table, loops, by_op):
    parts = [BANNER + '#include <math.h>\n\n#include "wg_ops_gen.h"\n', vjp_c.emit_vjps(table)]
    for op in table:
        parts += [emit_params(op) if op.params else "", emit_saves(op), emit_vjp_loops(op, by_op.get(op.name))]
    parts.append("const wg_op wg_ops[] = {\n" + "\n".join(emit_op(op, by_op.get(op.name)) for op in table) + "\n};\n"
                 "const int wg_nops = WG_NOPS;")
    rows = []
    for loop in loops:
        rows.append(f"    [WG_LOOP_{loop.name}] = {{{len(loop.outputs)}, {len(loop.inputs)}, "
                    f"{hex(bits(i for i, o in enumerate(loop.outputs) if o[2]))}, "
                    f"{hex(bits(i for i, o in enumerate(loop.inputs) if o[2]))}, {int(loop.is_vjp)}, {len(loop.op.attrs)}, "
                    f"{loops_c.cost(table, loop)}f}},")
    parts.append("const wg_loop_info wg_loop_infos[] = {\n" + "\n".join(rows) + "\n};\nconst int wg_nloops = WG_NLOOPS;")
    rows = []
    for name, (where, inplace, ops) in publics(table).items():
        rows.append(f"    {{{quote(name)}, {where}, {int(inplace)}, {len(ops)}, "
                    f"{{{', '.join('WG_OP_' + op.name for op in ops)}}}}},")
    parts.append("const wg_public wg_publics[] = {\n" + "\n".join(rows) + "\n};\n"
                 f"const int wg_npublics = {len(rows)};")
    return "\n\n".join(p for p in parts if p) + "\n"


def emit_all(table):
    """file name -> text."""
    loops, by_op = loops_c.all_loops(table)
    rows = loops_c.emit_rows_header(table)
    files = {
        "wg_ops_gen.h": header(table, loops),
        "wg_ops_table.c": emit_table(table, loops, by_op),
        "wg_rows_gen.h": f'{BANNER}#ifndef WG_ROWS_GEN_H\n#define WG_ROWS_GEN_H\n\n#include <math.h>\n\n#include "wg_kernel.h"\n'
                         f'#include "kernels/wg_math.h"\n#include "kernels/wg_math_special.h"\n#include "kernels/wg_loop.h"\n\n{rows}\n\n#endif\n',
        "loops_table.c": f'{BANNER}#include "wg_kernel.h"\n\n{loops_c.emit_level_table(loops)}\n',
    }
    for k, part in enumerate(loops_c.distribute(table, loops, LOOP_FILES)):
        body = "\n\n".join(loops_c.emit_loop(table, loop, c) for loop in part for c in loops_c.functions(loop))
        files[f"loops_{k}.c"] = f'{BANNER}#include "wg_rows_gen.h"\n\n{body}\n'
    return files


def write_files(files, outdir):
    """Writes what changed; returns the names of all files."""
    outdir = Path(outdir)
    outdir.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = outdir / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    return sorted(files)


def write(table, outdir):
    return write_files(emit_all(table), outdir)


def main(argv):
    from .table import TABLE
    if len(argv) < 2:
        sys.exit(__doc__)
    names = write(TABLE, argv[1])
    if "--list" in argv:
        print("\n".join(names))


if __name__ == "__main__":
    main(sys.argv)
