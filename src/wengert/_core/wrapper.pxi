# Callables in C over a Python function: what its usual calls mean is done in C, the others run it.

cdef extern from "Python.h":
    object PyMethod_New(object, object)


@cython.binding(False)
cdef class Wrapper:
    """The part that all of them share. A subclass sets `vectorcall` and `function`; as an attribute of a class it is a method."""
    cdef vectorcallfunc vectorcall
    cdef object function

    @property
    def __wrapped__(self):
        """The Python function."""
        return self.function

    @property
    def __doc__(self):
        return self.function.__doc__

    def __getattr__(self, name):
        return getattr(self.function, name)

    def __get__(self, instance, owner):
        return self if instance is None else PyMethod_New(self, instance)

    def __repr__(self):
        return f"<function {self.function.__qualname__}>"

    def __reduce__(self):
        return self.function.__qualname__


cdef extern from *:
    Py_ssize_t WG_OFFSET_WRAPPER "WG_OFFSET(struct __pyx_obj_7wengert_5_core_5_core_Wrapper, vectorcall)"
