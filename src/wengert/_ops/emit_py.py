"""Writes the Python side of the table: `python emit_py.py OUTDIR`.

table_torch.pyi  table_functional.pyi  table_special.pyi  table_linalg.pyi
                 stubs of the functions of each namespace; overloads in the order in which they are tried
table_tensor.pyi the methods of Tensor, in-place forms included
"""
import importlib.util
import keyword
import sys
from pathlib import Path

if not __package__:                                     # run as a script, before wengert can be imported
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location("wengert_ops", here / "__init__.py", submodule_search_locations=[str(here)])
    sys.modules["wengert_ops"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["wengert_ops"])
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != here]
    __package__ = "wengert_ops"

from .emit_c import doc, publics, write_files
from .rows import NUMBERS

BANNER = "# Generated from src/wengert/_ops by emit_py.py: do not edit.\n"
HEAD = """from collections.abc import Sequence
from typing import Literal, overload

from wengert import Generator, Tensor, dtype as _dtype

Number = bool | int | float
"""
ANNOTATIONS = {"Tensor": "Tensor", "Tensor[]": "Sequence[Tensor]", "Number": "Number", "int": "int", "int[]": "int | Sequence[int]",
               "float": "float", "bool": "bool", "dtype": "_dtype", "Generator": "Generator"}
NAMESPACES = {"torch": 1, "functional": 4, "special": 8, "linalg": 16}
METHOD = 2


def annotation(op, p):
    text = f"Literal[{', '.join(map(repr, p.choices))}]" if p.choices else ANNOTATIONS[p.type]
    if p.type == "Tensor" and op.number_ok and not (p is op.tensors[0] and NUMBERS[op.number_ok] == "later"):
        text += " | Number"
    return text + (" | None" if p.optional and "None" not in text else "")


def result(op):
    if op.list_out:
        return "tuple[Tensor, ...]"
    visible = [o for o in op.outs if not o.hidden]
    return "Tensor" if len(visible) == 1 else f"tuple[{', '.join(['Tensor']*len(visible))}]"


def parameters(op, method):
    """The text between the parentheses; a method's first tensor is self."""
    parts, starred, skipped = [], False, False
    for p in op.params:
        if method and not skipped and p.type == "Tensor":
            skipped = True
            parts.insert(0, "self")
            continue
        if p.keyword_only and not starred:
            parts.append("*")
            starred = True
        default = f" = {p.default!r}" if p.has_default else " = None" if p.optional and p.is_tensor else ""
        name = p.python_name + "_"*keyword.iskeyword(p.python_name)
        parts.append(f"{name}: {annotation(op, p)}{default}")
    return ", ".join(parts)


def stubs(name, ops, method):
    lines = []
    for op in ops:
        if len(ops) > 1:
            lines.append("@overload")
        text = doc(op)
        head = f"def {name}({parameters(op, method)}) -> {result(op)}:"
        lines += [head, '    """' + text.replace("\\", "\\\\").replace("\n", "\n    ") + '"""'] if text else [head + " ..."]
    return lines


def emit_namespace(table, bit):
    lines = [BANNER + HEAD]
    for name, (where, inplace, ops) in sorted(publics(table).items()):
        if where & bit:
            lines += stubs(name, ops, False)
            in_place = [op for op in ops if op.inplace]
            if in_place and bit == NAMESPACES["torch"] and len(ops[0].tensors) == 1:
                lines += stubs(name + "_", in_place, False)
    return "\n".join(lines) + "\n"


def emit_methods(table):
    lines = [BANNER + HEAD, "class TensorMethods:"]
    for name, (where, inplace, ops) in sorted(publics(table).items()):
        if where & METHOD and not any(op.variadic for op in ops):
            for form, rows in ((name, ops), (name + "_", [op for op in ops if op.inplace])):
                lines += ["    " + line for line in "\n".join(stubs(form, rows, True)).split("\n") if line]
    return "\n".join(lines) + "\n"


def emit_all(table):
    """file name -> text."""
    files = {f"table_{name}.pyi": emit_namespace(table, bit) for name, bit in NAMESPACES.items()}
    files["table_tensor.pyi"] = emit_methods(table)
    return files


def main(argv):
    from .table import TABLE
    if len(argv) != 2:
        sys.exit(__doc__)
    write_files(emit_all(TABLE), argv[1])


if __name__ == "__main__":
    main(sys.argv)
