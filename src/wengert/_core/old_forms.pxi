# Calls with numbers before the tensors that they weigh: x.add_(2, y), x.addcmul_(0.5, y, z), addmm(1, x, 2, a, b).
# PyTorch deprecated them long ago, and old optimizers are written so.

cdef dict OLD_FORMS = {          # name -> (tensors beside the first, the keywords that one number means, or two)
    "add": (1, ("alpha",), ()), "sub": (1, ("alpha",), ()),
    "addcmul": (2, ("value",), ()), "addcdiv": (2, ("value",), ()),
    "addmm": (2, ("beta",), ("beta", "alpha")), "addmv": (2, ("beta",), ("beta", "alpha")), "baddbmm": (2, ("beta",), ("beta", "alpha")),
}
cdef set WARNED_OF_OLD_FORM = set()


cdef int old_form_of(str name) except -1:
    """How many tensors beside the first the function has, if it has an old form; else 0."""
    form = OLD_FORMS.get(name.removesuffix("_"))
    return form[0] if form is not None else 0


cdef object old_call(Op f, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames):
    """The call in its present form; NotImplemented where the arguments are not those of an old form."""
    cdef Py_ssize_t i
    form = OLD_FORMS[f.name.removesuffix("_")]
    tensors, numbers = [], []
    for i in range(nargs):
        o = <object>args[i]
        if isinstance(o, Tensor):
            tensors.append(o)
        elif is_number(o) or numpy_number(o) is not None:
            numbers.append(o)
        else:
            return NotImplemented
    if len(tensors) != form[0] + 1 or not 0 < len(numbers) <= 2 or kwnames != NULL:
        return NotImplemented
    names = form[len(numbers)]
    if not names:
        return NotImplemented
    if f.name not in WARNED_OF_OLD_FORM:
        WARNED_OF_OLD_FORM.add(f.name)
        import warnings
        warnings.warn(f"This overload of {f.name} is deprecated: give its numbers by keyword, as {f.name}(..., {names[len(names) - 1]}=...)", stacklevel=1)
    return f(*tensors, **dict(zip(names, numbers)))
