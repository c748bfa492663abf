# What an optimizer's step need not find out again.

from cpython.dict cimport PyDict_Size

cdef extern from "Python.h":
    PyObject *PyDict_GetItemWithError(object, object) except? NULL
    int PyDict_Next(object, Py_ssize_t *, PyObject **, PyObject **)
    bint PyDict_Check(object)


cdef bint immutable(object value):
    """An option that means the same as long as it is the same object."""
    if value is None or type(value) in (float, int, bool, str):
        return True
    if type(value) is tuple:
        for item in <tuple>value:
            if not immutable(item):
                return False
        return True
    return False


@cython.final
@cython.binding(False)
cdef class StepPlan:
    """Which parameters of a group have gradients, and their states; once a launch was made for them, the launch too.

    `repeat` makes the same launch again if nothing has changed that it depends on: the options of the group, its parameters,
    which of them have gradients, and their states.
    """
    cdef readonly list all_params        # of the group
    cdef readonly list has_grad          # of each: had it a gradient?
    cdef readonly bint complete          # all of them
    cdef readonly list params            # those that had
    cdef public list states              # and their states
    cdef public object hyper             # a launch's hyperparameters, from the first launch on
    cdef public bint launchable
    cdef list options                    # of the group, at the last launch: keys and values in turn; None: no launch to repeat
    cdef str kernel
    cdef int flags
    cdef tuple names                     # of the state that the kernel reads

    def __init__(self, list all_params not None, list has_grad not None, list params not None, list states not None):
        self.all_params = all_params
        self.has_grad = has_grad
        self.complete = all(has_grad)
        self.params = params
        self.states = states

    def gather(self, list params not None, state):
        """The gradients of `params`; None where this plan no longer holds for the group's ``params`` and the states in ``state``."""
        return self.gradients(params, state)

    cdef list gradients(self, list params, object state):
        """Each parameter's gradient is read once: another thread may drop it at any time."""
        cdef Py_ssize_t i, k = 0, n = len(self.all_params)
        cdef list grads = []
        cdef PyObject *known
        cdef PyObject *grad
        if len(params) != n or not PyDict_Check(state):
            return None
        for i in range(n):
            p = params[i]
            grad = (<Tensor?>p).grad_
            if p is not self.all_params[i] or (grad != NULL) != (self.has_grad[i] is True):
                return None
            if grad != NULL:
                grads.append(<object>grad)
                known = PyDict_GetItemWithError(state, p)
                if <PyObject *>(self.states[k]) != (known if known != NULL else <PyObject *>None):
                    return None
                k += 1
        return grads

    def remember(self, group, str kernel not None, int flags, tuple names not None):
        """The launch just made depends on nothing but ``group``, the parameters, their gradients and states."""
        cdef list options = []
        self.options = None
        for key, value in group.items():
            if key != "params" and not immutable(value):
                return
            options.append(key)
            options.append(value)
        self.options, self.kernel, self.flags, self.names = options, kernel, flags, names

    def repeat(self, group, state):
        """Makes the last launch again. False: something has changed."""
        cdef Py_ssize_t at = 0, i = 0, k, n = len(self.params)
        cdef PyObject *key
        cdef PyObject *value
        cdef list columns, column, grads
        if self.options is None or not PyDict_Check(group) or 2 * PyDict_Size(group) != len(self.options):
            return False
        while PyDict_Next(group, &at, &key, &value):
            if key != <PyObject *>(self.options[i]) or value != <PyObject *>(self.options[i + 1]):
                return False
            i += 2
        grads = self.gradients(<list?>group["params"], state)
        if grads is None:
            return False
        columns = [self.params, grads]
        for name in self.names:
            column = []
            for k in range(n):
                entry = self.states[k]
                value = PyDict_GetItemWithError(entry, name) if PyDict_Check(entry) else NULL
                if value == NULL or not isinstance(<object>value, Tensor):
                    return False
                column.append(<object>value)
            columns.append(column)
        run_step(self.kernel, <Tensor?>self.hyper.tensor, self.flags, tuple(columns))
        return True


@cython.final
cdef class HookedStep(Wrapper):
    """An optimizer's ``step``, which calls ``_step_with_hooks`` where the optimizer or all of them have hooks.

    Args:
        step: the function. hooks: dicts of the hooks of all optimizers. names: of the dicts of an optimizer's own.
    """
    cdef tuple hooks, names

    def __init__(self, step, tuple hooks not None, tuple names not None):
        self.vectorcall = hooked_step_vectorcall
        self.function = step
        self.hooks, self.names = hooks, names


cdef bint has_hooks(HookedStep f, object attributes) except -1:
    cdef PyObject *own
    for hooks in f.hooks:
        if PyDict_Size(hooks):
            return True
    for name in f.names:
        own = PyDict_GetItemWithError(attributes, name)
        if own == NULL or not PyDict_Check(<object>own) or PyDict_Size(<object>own):
            return True
    return False


cdef object hooked_step_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef HookedStep f = <HookedStep>self
    cdef Py_ssize_t n = PyVectorcall_NARGS(nargsf), i
    if n == 0:
        return PyObject_Vectorcall(f.function, args, nargsf, kwnames)      # it says what is missing
    attributes = PyObject_GenericGetDict(<object>args[0], NULL)
    attributes["_opt_called"] = True
    if not has_hooks(f, attributes):
        return PyObject_Vectorcall(f.function, args, nargsf, kwnames)
    keywords = {}
    if kwnames != NULL:
        keywords = {name: <object>args[n + k] for k, name in enumerate(<object>kwnames)}
    return (<object>args[0])._step_with_hooks(f.function, tuple([<object>args[i] for i in range(1, n)]), keywords)


wg_type_vectorcall(<PyTypeObject *>HookedStep, WG_OFFSET_WRAPPER)
