"""Compiles the loops of a table with the system compiler and calls them on NumPy arrays."""
import ctypes
import os
import shlex
import subprocess
from pathlib import Path

import numpy as np

from wengert_ops import emit_c, loops_c

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fPIC"]
COMPUTES = {"f32": np.float32, "f64": np.float64, "i64": np.int64}


class _Value(ctypes.Union):
    _fields_ = [("i", ctypes.c_int64), ("f", ctypes.c_double), ("p", ctypes.c_void_p)]


class Attr(ctypes.Structure):
    _anonymous_ = ["value"]
    _fields_ = [("value", _Value), ("n", ctypes.c_uint32), ("tag", ctypes.c_uint8)]


def attr(value):
    """A wg_attr: None, bool, int or float."""
    a = Attr()
    if value is None:
        a.tag = 0
    elif isinstance(value, bool):
        a.i, a.tag = int(value), 3
    elif isinstance(value, int):
        a.i, a.tag = value, 1
    else:
        a.f, a.tag = value, 2
    return a


def compiler():
    return shlex.split(os.environ.get("CC", "cc"))


def compile_c(source, target, *flags):
    """One object or shared library; a diagnostic of the compiler is the test's failure."""
    run = subprocess.run([*compiler(), *FLAGS, *flags, f"-I{CSRC}", f"-I{CSRC / 'kernels'}", f"-I{Path(target).parent}",
                          *map(str, source if isinstance(source, list) else [source]), "-o", str(target)],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[:4000]
    return target


class Loops:
    """The loops of a finished table, emitted into a folder and compiled for the base machine."""

    def __init__(self, table, folder, optimise="-O1"):
        names = emit_c.write(table, folder)
        objects = [compile_c(folder / n, folder / (n[:-2] + ".o"), optimise, "-c", "-DWG_ISA=base")
                   for n in names if n.startswith("loops_")]
        self.library = ctypes.CDLL(str(compile_c(objects, folder / "loops.so", "-shared", "-lm")))
        self.table, self.by_name = table, {}
        self.loops, self.vjps = loops_c.all_loops(table)
        self.functions = (ctypes.c_void_p*(3*len(self.loops))).in_dll(self.library, "wg_loops_base")
        self.by_name = {loop.name: k for k, loop in enumerate(self.loops)}

    def has(self, name, compute):
        return self.functions[3*self.by_name[name] + list(COMPUTES).index(compute)] is not None

    def __call__(self, name, compute, inputs, attrs=(), add=None, outputs=None):
        """Runs a loop on 1-d arrays; returns its outputs. add: the mask of a VJP loop, with outputs to add to."""
        loop = self.loops[self.by_name[name]]
        n = len(inputs[0])
        arrays = [np.ascontiguousarray(x, np.uint8 if is_bool else COMPUTES[compute]) for x, (_, _, is_bool) in zip(inputs, loop.inputs)]
        outs = outputs or [np.empty(n, np.uint8 if is_bool else COMPUTES[compute]) for _, _, is_bool in loop.outputs]
        pointers = (ctypes.c_void_p*(len(outs) + len(arrays)))(*[a.ctypes.data for a in outs + arrays])
        values = [attr(v) for v in attrs] + ([attr(int(add or 0))] if loop.is_vjp else [])
        function = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(
            self.functions[3*self.by_name[name] + list(COMPUTES).index(compute)])
        attributes = (Attr*max(len(values), 1))(*values)
        function(n, ctypes.addressof(pointers), ctypes.addressof(attributes))
        return outs
