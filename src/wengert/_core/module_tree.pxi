# The tree of modules: walks over it that call Python only where a class overrides what would be called. A module may hold
# itself: recursion ends where Python's would.

cdef extern from "Python.h":
    int Py_EnterRecursiveCall(const char *where)             # not 0 (3.11: 1, later -1): an exception is set
    void Py_LeaveRecursiveCall()
    PyObject *_PyType_Lookup(type, object)
    int PyDict_SetItem(object, object, object) except -1

cdef int enter() except -1:
    return -1 if Py_EnterRecursiveCall(" in a tree") else 0

cdef int modules_into(object module, object usual, set seen, list found) except -1:
    if module in seen:
        return 0
    if type(module).named_modules is not usual:
        found.extend([below for _, below in module.named_modules(seen)])
        return 0
    seen.add(module)
    found.append(module)
    children = module._modules
    if children:
        enter()
        try:
            for below in list(children.values()):
                if below is not None:
                    modules_into(below, usual, seen, found)
        finally:
            Py_LeaveRecursiveCall()
    return 0


def modules_below(module, usual):
    """A module and all below it, depth first, each once, in a list. ``usual``: the function `named_modules` of modules that don't
    override it; those that do are asked."""
    cdef list found = []
    modules_into(module, usual, set(), found)
    return found


def parameters_below(module, usual):
    """Their parameters, each once, in a list."""
    cdef list found = []
    cdef set seen = set()
    for below in modules_below(module, usual):
        held = below._parameters
        if held:
            for param in list(held.values()):
                if param is not None and param not in seen:
                    seen.add(param)
                    found.append(param)
    return found


cdef inline str below(str prefix, str name):
    return f"{prefix}.{name}" if prefix else name


cdef int named_modules_into(object module, object usual, str prefix, set seen, bint unique, list found) except -1:
    if module in seen:
        return 0
    if type(module).named_modules is not usual:
        found.extend(module.named_modules(seen, prefix, unique))
        return 0
    if unique:
        seen.add(module)
    found.append((prefix, module))
    children = module._modules
    if children:
        enter()
        try:
            for name, child in list(children.items()):
                if child is not None:
                    named_modules_into(child, usual, below(prefix, name), seen, unique, found)
        finally:
            Py_LeaveRecursiveCall()
    return 0


def members_below(module, tuple registries not None, usual, str prefix="", bint unique=False):
    """The entries of each of these registries ("_parameters", "_buffers") of a module and all below it: (path, tensor, registry,
    name) in a list, each tensor once if ``unique``. ``usual``: as `modules_below`."""
    cdef list found = [], modules = []
    cdef set seen = set()
    named_modules_into(module, usual, prefix, set(), unique, modules)
    for registry in registries:
        for path, owner in modules:
            held = getattr(owner, registry)
            for name, value in list(held.items()):
                if value is not None and not (unique and id(value) in seen):
                    seen.add(id(value))
                    found.append((below(path, name), value, held, name))
    return found


cdef object plain_getattr = None        # Module.__getattr__


def _set_plain_getattr(function):
    global plain_getattr
    plain_getattr = function


cdef inline bint mirrors(object cls):
    return _PyType_Lookup(<type>cls, "__getattr__") == <PyObject *>plain_getattr


def shows_entries(cls):
    """Are registered names attributes of a class's modules? Not where it has a ``__getattr__`` of its own, which is to be asked for them."""
    return mirrors(cls)


def set_entry(registry, name, value):
    """``registry[name] = value`` of a module's registry: see Note [Registered names are plain attributes]."""
    if not isinstance(registry, dict):
        raise TypeError(f"a registry is a dict, not {type(registry).__name__}")
    PyDict_SetItem(registry, name, value)
    for owner in registry._owners:
        module = owner()
        if module is not None and mirrors(type(module)) and _PyType_Lookup(type(module), name) == NULL:
            attributes = PyObject_GenericGetDict(module, NULL)
            (<dict>attributes)[name] = value


def copy_plain(to, value):
    """Copies one tensor into another, unrecorded; False where they are not two plain tensors of one shape, or it fails."""
    cdef bint recording = grad_enabled()
    if not isinstance(to, Tensor) or not isinstance(value, Tensor) or not is_plain(to) or not is_plain(value) or wg_mode & WG_MODE_FUNCTION:
        return False
    if not wg_same_shape(&(<Tensor>to).t.v.a, &(<Tensor>value).t.v.a):
        return False
    set_grad_mode(False)
    try:
        to.copy_(value)
    except Exception:
        return False                                       # the caller tries again, to say what is wrong
    finally:
        set_grad_mode(recording)
    return True


def train_below(module, mode, tuple usual not None):
    """Sets the mode of a module and all below it. ``usual``: `train`, `children`, `named_children` and `__setattr__` of modules
    that override none of them; those that do are asked."""
    cls = type(module)
    if cls.train is not usual[0]:
        module.train(mode)
        return
    attributes = PyObject_GenericGetDict(module, NULL)
    if cls.__setattr__ is usual[3] and isinstance((<dict>attributes).get("training"), bool) and not hasattr(cls, "training"):
        (<dict>attributes)["training"] = mode
    else:
        module.training = mode
    if cls.children is usual[1] and cls.named_children is usual[2]:
        children = module._modules
        if not children:
            return
        children = dict.fromkeys(children.values())
    else:
        children = module.children()
    enter()
    try:
        for child in children:
            if child is not None:
                train_below(child, mode, usual)
    finally:
        Py_LeaveRecursiveCall()


cdef int save_entries(destination, str prefix, held, skipped, bint keep_vars) except -1:
    for name, value in list(held.items()):
        if value is not None and (skipped is None or name not in skipped):
            destination[prefix + name] = value if keep_vars else value.detach()
    return 0


def state_below(module, destination, str prefix not None, bint keep_vars, tuple usual not None):
    """Writes the state of a module and all below it to a dict. ``usual``: `state_dict`, `_save_to_state_dict` and `get_extra_state`
    of modules that override none of them; those that do, or have hooks, are asked.

    Returns:
        False if this module itself is to be asked: nothing was written.
    """
    cls = type(module)
    if cls._save_to_state_dict is not usual[1] or cls.get_extra_state is not usual[2] or module._state_dict_hooks or module._state_dict_pre_hooks:
        return False
    metadata = getattr(destination, "_metadata", None)
    if metadata is not None:
        metadata[prefix[:max(len(prefix) - 1, 0)]] = {"version": module._version}
    save_entries(destination, prefix, module._parameters, None, keep_vars)
    save_entries(destination, prefix, module._buffers, module._non_persistent_buffers_set, keep_vars)
    children = module._modules
    if children:
        enter()
        try:
            for name, child in list(children.items()):
                if child is not None:
                    inner = f"{prefix}{name}."
                    if type(child).state_dict is not usual[0] or not state_below(child, destination, inner, keep_vars, usual):
                        child.state_dict(destination=destination, prefix=inner, keep_vars=keep_vars)
        finally:
            Py_LeaveRecursiveCall()
    return True
