# Leaves and their gradients.

cdef int set_requires_grad(Tensor self, bint value) except -1:
    cdef wg_leaf *leaf
    cdef wg_edge edge
    check(wg_tensor_refresh(&self.t))
    cdef wg_node *node = self.t.v.edge.node
    if node != NULL and node.kind == WG_NODE_RECORD:
        if value:
            return 0
        raise RuntimeError("you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
                           "in a subgraph that doesn't require differentiation use var_no_grad = var.detach().")
    if value and node == NULL:
        if not WG_IS_FLOAT(self.t.v.a.dtype):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if self.t.v.version.inference and not wg_mode & WG_MODE_INFERENCE:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        leaf = wg_leaf_new(&self.t)
        if leaf == NULL:
            fail()
        edge.node = &leaf.node
        edge.out = 0
        wg_tensor_set_edge(&self.t, edge)
        wg_node_drop(&leaf.node)
    elif not value and node != NULL:
        forget_edge(self)
    return 0


cdef void forget_edge(Tensor self):
    cdef wg_edge none
    none.node = NULL
    none.out = 0
    wg_tensor_set_edge(&self.t, none)


cdef inline Tensor tensor_of_leaf(wg_leaf *leaf):
    """The handle of a leaf, or None where it died."""
    return handle_of(leaf.tensor)


# Of elements, by dtype code, in PyTorch's messages.
cdef tuple C_NAMES = ("bool", "unsigned char", "signed char", "short", "int", "long int", "c10::Half", "c10::BFloat16", "float", "double")

cdef int set_grad(Tensor self, object value) except -1:
    cdef Tensor g
    cdef PyObject *old = self.grad_
    if value is not None:
        if not isinstance(value, Tensor):
            raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
        g = <Tensor>value
        if g is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if not wg_same_shape(&g.t.v.a, &self.t.v.a):
            raise RuntimeError(f"attempting to assign a gradient of size '{shape_of(g)}' to a tensor of size '{shape_of(self)}'. Please "
                               "ensure that the gradient and the tensor are the same size")
        if g.t.v.a.dtype != self.t.v.a.dtype:
            raise RuntimeError(f"attempting to assign a gradient with dtype '{C_NAMES[g.t.v.a.dtype]}' to a tensor with grad_dtype "
                               f"'{wg_dtype_title[self.t.v.a.dtype].decode()}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You can set the tensor's grad_dtype attribute with "
                               "a specific dtype, or None to allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may "
                               "break downstream systems that assume they match.")
        Py_INCREF(value)
        self.grad_ = <PyObject *>value
        wg_handle_track(self)                              # a.grad = b; b.grad = a
    else:
        self.grad_ = NULL
    Py_XDECREF(old)
    return 0


cdef object warn_non_leaf_grad():
    import warnings
    warnings.warn("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
                  "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
                  "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure "
                  "you access the leaf Tensor instead.", UserWarning, stacklevel=2)
