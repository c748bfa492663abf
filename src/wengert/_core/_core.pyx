# cython: embedsignature=False, auto_pickle=False
"""The compiled core: tensor handles, argument parsing, the reverse sweep. Each concept stands in a .pxi of its own."""
cimport cython
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF, Py_DECREF, Py_XDECREF
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport malloc, realloc, free
from libc.string cimport memcpy, memset, strcmp
from wengert._core.wg cimport *

cdef extern from "Python.h":
    ctypedef object (*vectorcallfunc)(object, PyObject *const *, size_t, PyObject *)
    Py_ssize_t PyVectorcall_NARGS(size_t)

include "errors.pxi"
include "dtype.pxi"
include "tensor.pxi"
include "size.pxi"
include "values.pxi"
include "leaf.pxi"
include "memory.pxi"
include "subclass.pxi"
include "modes.pxi"
include "opcodes.pxi"
include "op_type.pxi"
include "parse.pxi"
include "old_forms.pxi"
include "call.pxi"
include "override.pxi"
include "wrapper.pxi"
include "out.pxi"
include "module.pxi"
include "module_tree.pxi"
include "pytree.pxi"
include "namespace.pxi"
include "operators.pxi"
include "node.pxi"
include "watch.pxi"
include "sweep.pxi"
include "backward.pxi"
include "function.pxi"
include "create.pxi"
include "counting.pxi"
include "nested.pxi"
include "buffer.pxi"
include "dlpack.pxi"
include "indexing.pxi"
include "broadcast.pxi"
include "random.pxi"
include "factory.pxi"
include "ndarray.pxi"
include "optim.pxi"
include "step_plan.pxi"
include "config.pxi"
