"""torch.func: transforms of functions, made of sweeps over the tape.

A transform calls the function on fresh leaves (or, for inputs that require grad, on views of them) and sweeps from its results.
Transforms nest: what an outer one differentiates with respect to is found in the graph of the result, and then the
sweep is recorded itself. So it is with tensors that the function takes from its surroundings and that require grad.
"""
import functools

from ._core import _set_random_refused, depends_on_others
from ._core import is_grad_enabled as _is_grad_enabled
from ._core import members_below as _members_below
from . import Tensor, get_rng_state, set_rng_state, stack
from . import zeros_like as _zeros_like
from ._pytree import broadcast_prefix, flatten, tree_map
from .autograd import grad as _gradient
from .autograd.functional import rows_of_jacobian
from .grad_mode import enable_grad
from .nn.modules._tree import Tree

__all__ = ["grad", "grad_and_value", "vjp", "jvp", "linearize", "jacrev", "jacfwd", "hessian", "vmap", "functional_call",
           "stack_module_state", "functionalize"]


class _Traced:
    """A function's call on tensors to differentiate with respect to.

    Attributes:
        inputs: these tensors, flat. outputs: what the function returned, without aux. aux: the rest.
        keep: results are to be differentiable, for something outside depends on them.
    """

    def __init__(self, func, args, kwargs, argnums, has_aux, name):
        self.keep_wanted = _is_grad_enabled()
        self.single = isinstance(argnums, int)
        numbers = (argnums,) if self.single else tuple(argnums)
        for i in numbers:
            if not -len(args) <= i < len(args):
                raise RuntimeError(f"Got argnum={i}, but only {len(args)} positional inputs")
        args = list(args)
        self.inputs, self.fresh, self.rebuilds = [], [], []
        with enable_grad():
            for i in numbers:
                leaves, rebuild = flatten(args[i])
                new = [self._enter(t, name) for t in leaves]
                self.inputs += new
                self.rebuilds.append((len(new), rebuild))
                args[i] = rebuild(new)
            result = func(*args, **kwargs)
        self.aux = None
        if has_aux:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True")
            result, self.aux = result
        self.outputs = result
        self.keep = self.keep_wanted and depends_on_others(_tensors_of(result), self.fresh)

    def _enter(self, t, name):
        if not isinstance(t, Tensor):
            raise ValueError(f"{name}: Expected all leaves of the differentiated arguments to be Tensors, got {type(t)}")
        if t.requires_grad and self.keep_wanted:
            return t.view_as(t)
        leaf = t.detach().requires_grad_()
        self.fresh.append(leaf)
        return leaf

    def sort(self, gradients):
        """Flat values, one an input, in the structure of the arguments."""
        trees, at = [], 0
        for n, rebuild in self.rebuilds:
            trees.append(rebuild(gradients[at:at + n]))
            at += n
        return trees[0] if self.single else tuple(trees)

    def out(self, tree):
        """What the function returned, as a caller may have it."""
        if isinstance(tree, Tensor):
            return tree if self.keep else tree.detach()
        return tree if self.keep else tree_map(lambda t: t.detach() if isinstance(t, Tensor) else t, tree)


def _tensors_of(tree):
    return [tree] if isinstance(tree, Tensor) else [t for t in flatten(tree)[0] if isinstance(t, Tensor)]


def _scalar(value, name):
    if not isinstance(value, Tensor):
        raise RuntimeError(f"{name}(f)(*args): Expected f(*args) to return a Tensor, got tensor with type {type(value)}")
    if value.dim() != 0:
        raise RuntimeError(f"{name}(f)(*args): Expected f(*args) to return a scalar tensor, got tensor with {value.dim()} dims. Maybe you "
                           "wanted to use the vjp or jacrev APIs instead?")


def _sweep(outputs, inputs, vectors, retain_graph, create_graph):
    """Gradients, zeros where nothing depends."""
    for out in outputs:
        if not out.requires_grad:
            pairs = [(out, v) for out, v in zip(outputs, vectors) if out.requires_grad]
            if not pairs:
                return [_zeros_like(t) for t in inputs]
            outputs, vectors = zip(*pairs)
            break
    return list(_gradient(outputs, inputs, vectors, retain_graph, create_graph, True, True, False, True))


def grad_and_value(func, argnums=0, has_aux=False):
    """A function that returns (gradient, value) of ``func``, which returns a tensor of no dimensions.

    Args:
        argnums: the positional argument, or a tuple of them, to differentiate with respect to; each a tensor or nested
            tuples, lists and dicts of tensors.
        has_aux: ``func`` returns (value, aux); then the result is (gradient, (value, aux)).

    Raises (when called):
        RuntimeError: the value is no tensor of no dimensions; no such argument.
    """
    def wrapped(*args, **kwargs):
        call = _Traced(func, args, kwargs, argnums, has_aux, "grad_and_value")
        _scalar(call.outputs, "grad_and_value")
        with enable_grad():
            gradients = _sweep([call.outputs], call.inputs, [None], call.keep, call.keep)
        gradients, value = call.sort(gradients), call.out(call.outputs)
        return (gradients, (value, call.out(call.aux))) if has_aux else (gradients, value)
    return wrapped


def grad(func, argnums=0, has_aux=False):
    """A function that returns the gradient of ``func``: `grad_and_value` without the value.

    With ``has_aux`` it returns (gradient, aux).
    """
    both = grad_and_value(func, argnums, has_aux)

    def wrapped(*args, **kwargs):
        gradients, value = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients
    return wrapped


def vjp(func, *primals, has_aux=False):
    """(outputs, vjp_fn) or (outputs, vjp_fn, aux); ``vjp_fn(*cotangents)`` is a tuple of J^T cotangents, one a primal.

    It can be called again and again.
    """
    call = _Traced(func, primals, {}, tuple(range(len(primals))), has_aux, "vjp")
    outputs, rebuild = flatten(call.outputs)

    def vjp_fn(*cotangents, retain_graph=True, create_graph=None):
        """J^T times cotangents in the structure of the outputs."""
        given, _ = flatten(cotangents[0] if len(cotangents) == 1 else cotangents)
        if len(given) != len(outputs):
            raise RuntimeError(f"Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function: got "
                               f"{len(given)} tensors for {len(outputs)}")
        keep = create_graph
        if keep is None:
            keep = _is_grad_enabled() and (call.keep or any(t.requires_grad for t in given))
        with enable_grad():
            return call.sort(_sweep(outputs, call.inputs, given, retain_graph, keep))

    result = (call.out(call.outputs), vjp_fn)
    return (*result, call.out(call.aux)) if has_aux else result


def _push(call, outputs, tangents, retain_graph):
    """J times tangents, for flat outputs: the transposed product of u -> J^T u."""
    keep = call.keep or _is_grad_enabled() and any(t.requires_grad for t in tangents)
    with enable_grad():
        u = [_zeros_like(out).requires_grad_() for out in outputs]
        backward = _sweep(outputs, call.inputs, u, True, True)
        pushed = _sweep(backward, u, list(tangents), retain_graph or keep, keep)
    return pushed if keep else [t.detach() for t in pushed]


def _check_tangents(primals, tangents):
    flat, given = flatten(tuple(primals))[0], flatten(tuple(tangents))[0]
    if len(flat) != len(given):
        raise RuntimeError(f"jvp(f, primals, tangents): Expected primals and tangents to have the same python structure, got {len(flat)} and "
                           f"{len(given)} tensors")
    for p, t in zip(flat, given):
        if p.shape != t.shape:
            raise RuntimeError(f"jvp(f, primals, tangents): tangents have the shapes of primals, got {tuple(t.shape)} for {tuple(p.shape)}")
    return given


def jvp(func, primals, tangents, *, strict=False, has_aux=False):
    """(outputs, J tangents) or (outputs, J tangents, aux), by two sweeps of reverse mode.

    Args:
        primals, tangents: tuples of like structure.
        strict: accepted.
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise RuntimeError("jvp(f, primals, tangents): Expected primals and tangents to be tuples")
    tangents = _check_tangents(primals, tangents)
    call = _Traced(func, primals, {}, tuple(range(len(primals))), has_aux, "jvp")
    outputs, rebuild = flatten(call.outputs)
    result = (call.out(call.outputs), rebuild(_push(call, outputs, tangents, False)))
    return (*result, call.out(call.aux)) if has_aux else result


def linearize(func, *primals):
    """(outputs, jvp_fn): ``jvp_fn(*tangents)`` is J tangents, without another call of the function."""
    call = _Traced(func, primals, {}, tuple(range(len(primals))), False, "linearize")
    outputs, rebuild = flatten(call.outputs)
    return call.out(call.outputs), lambda *tangents: rebuild(_push(call, outputs, _check_tangents(primals, tangents), True))


def jacrev(func, argnums=0, *, has_aux=False, chunk_size=None, _preallocate_and_copy=False):
    """A function that returns the Jacobian of ``func``, one sweep an element of its outputs.

    Args:
        argnums, has_aux: as `grad_and_value`.
        chunk_size: accepted.

    Returns:
        a function whose result has the structure of the outputs, and in each place that of the arguments: tensors of
        shape output.shape + input.shape. With has_aux a pair with aux.
    """
    def wrapped(*args, **kwargs):
        call = _Traced(func, args, kwargs, argnums, has_aux, "jacrev")
        outputs, rebuild = flatten(call.outputs)
        if not all(isinstance(t, Tensor) for t in outputs):
            raise RuntimeError("jacrev: Expected f(*args) to return Tensors")
        with enable_grad():
            rows = [call.sort(list(rows_of_jacobian(out, call.inputs, call.keep, retain_graph=True))) for out in outputs]
        return (rebuild(rows), call.out(call.aux)) if has_aux else rebuild(rows)
    return wrapped


def jacfwd(func, argnums=0, has_aux=False, *, randomness="error"):
    """`jacrev`: the same matrix, by reverse mode.

    Args:
        randomness: as for `vmap`; the function is called once, so "different" and "same" draw the same numbers for all columns.
    """
    _check_randomness(randomness)
    return jacrev(_refusing_random(func) if randomness == "error" else func, argnums, has_aux=has_aux)


def hessian(func, argnums=0):
    """A function that returns the Hessian of ``func``: the Jacobian of its Jacobian."""
    return jacfwd(jacrev(func, argnums), argnums)


def functionalize(func, *, remove="mutations"):
    """The function itself: what its writes in place and its views become when they are removed from a traced program does not show in results.

    Args:
        remove: "mutations" or "mutations_and_views".
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are:\n     "
                           "remove='mutations': all inplace and out= operators will be removed from the program, and replaced with their "
                           "out-of-place equivalents.\n     remove='mutations_and_views': In addition to the above, all aliasing operators {view} "
                           "will be replaced with their non-aliasing counterparts, {view}_copy.\n")

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        return func(*args, **kwargs)
    return wrapped


# ---- vmap ----

def _check_randomness(randomness):
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")


def _refusing_random(func):
    """The function, in which drawing random numbers raises."""
    def refusing(*args, **kwargs):
        before = _set_random_refused(True)
        try:
            return func(*args, **kwargs)
        finally:
            _set_random_refused(before)
    return refusing


def _is_dim(x):
    return x is None or isinstance(x, int)


def _mapped_dims(args, in_dims):
    """(dims, size): for each flat argument its mapped dimension from the front or None, and the number of slices."""
    leaves, _ = flatten(args)
    if not isinstance(in_dims, (int, tuple, list)):
        raise ValueError(f"vmap: expected in_dims to be int or a (potentially nested) tuple matching the structure of inputs, got: {type(in_dims)}.")
    try:
        dims = broadcast_prefix(tuple(in_dims) if isinstance(in_dims, list) else in_dims, args, _is_dim)
    except (ValueError, TypeError, KeyError):
        raise ValueError("vmap: in_dims is not compatible with the structure of inputs: one entry an argument, or one for all") from None
    sizes = []
    for i, (leaf, dim) in enumerate(zip(leaves, dims)):
        if dim is None:
            continue
        if not isinstance(leaf, Tensor):
            raise ValueError(f"vmap: Got in_dim={dim} for an input but the input is of type {type(leaf)}. We cannot vmap over non-Tensor "
                             "arguments, please use None as the respective in_dim")
        if not -leaf.dim() <= dim < leaf.dim():
            raise ValueError(f"vmap: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {leaf.dim()} so expected "
                             f"in_dim to satisfy -{leaf.dim()} <= in_dim < {leaf.dim()}.")
        dims[i] = dim % leaf.dim()
        sizes.append(leaf.shape[dims[i]])
    if not sizes:
        raise ValueError("vmap: at least one input is mapped: in_dims are all None, or there are no inputs")
    if any(n != sizes[0] for n in sizes):
        raise ValueError(f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the mapped dimension")
    return dims, sizes[0]


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """The function applied to every slice of its arguments, results stacked.

    This is a loop: the function is called once a slice, so it may branch on values and call anything, but costs what the
    loop costs. Where speed counts, write the batch dimension out.

    Args:
        in_dims: the dimension to slice, for all arguments, or for each (nested as they are); None hands an argument whole.
        out_dims: where the results' new dimension goes; one for all or one an output.
        randomness: what happens when the function draws random numbers: "error" raises, "different" draws anew for each slice,
            "same" the same for all.
        chunk_size: accepted.

    Raises (when called):
        ValueError: sizes of the mapped dimensions differ, dimensions are out of range, no argument is mapped, there are no slices.
        RuntimeError: the function draws random numbers, and neither this nor an outer vmap says which.
    """
    _check_randomness(randomness)
    call = _refusing_random(func) if randomness == "error" else func

    def wrapped(*args, **kwargs):
        leaves, rebuild = flatten(args)
        dims, n = _mapped_dims(args, in_dims)
        if n == 0:
            raise ValueError("vmap: there are no slices, and wengert learns the results' shapes from them")
        state = get_rng_state() if randomness == "same" else None
        columns = None
        mapped = list(zip(leaves, dims))
        for k in range(n):
            if state is not None:
                set_rng_state(state)
            result = call(*rebuild([leaf if dim is None else leaf.select(dim, k) for leaf, dim in mapped]), **kwargs)
            flat, rebuild_result = flatten(result)
            for t in flat:
                if not isinstance(t, Tensor):
                    raise ValueError(f"vmap({getattr(func, '__name__', func)}, ...): `{getattr(func, '__name__', func)}` must only return "
                                     f"Tensors, got type {type(t)}. Did you mean to set out_dims= to None for output?")
            columns = columns or [[] for _ in flat]
            for column, t in zip(columns, flat):
                column.append(t)
        try:
            places = broadcast_prefix(tuple(out_dims) if isinstance(out_dims, list) else out_dims, result, _is_dim)
        except (ValueError, TypeError, KeyError):
            raise ValueError("vmap: out_dims is not compatible with the structure of the outputs: one entry an output, or one for all") from None
        return rebuild_result([column[0] if place is None else stack(column, place) for column, place in zip(columns, places)])
    return wrapped


# ---- modules as functions ----

def _named(module):
    """(tensors, places): parameters and buffers by their paths, and (registry, name) where they stand."""
    cls = type(module)
    if cls.named_parameters is Tree.named_parameters and cls.named_buffers is Tree.named_buffers and cls._named_members is Tree._named_members:
        found = _members_below(module, ("_parameters", "_buffers"), Tree.named_modules)
        return {path: t for path, t, _, _ in found}, {path: (registry, name) for path, _, registry, name in found}
    return {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers(remove_duplicate=False))}, {}


def _place(module, name):
    """The registry that holds a parameter or buffer and its name there, or None."""
    path, _, last = name.rpartition(".")
    try:
        owner = module.get_submodule(path)
    except AttributeError:
        return None
    for registry in (owner._parameters, owner._buffers):
        if last in registry:
            return registry, last
    return None


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """Calls the module with these tensors in the places of its parameters and buffers, which come back afterwards.

    Args:
        parameter_and_buffer_dicts: name -> tensor, or several such dicts with different keys.
        args: a tuple of arguments, or the only one.
        tie_weights: a tensor given for one name of a shared parameter stands for all its names.
        strict: all parameters and buffers must be given, and nothing else.

    Raises:
        ValueError: dicts share keys. RuntimeError: strict, and names are missing or unknown.
    """
    if isinstance(parameter_and_buffer_dicts, dict):
        tensors = dict(parameter_and_buffer_dicts)
    else:
        tensors = {}
        for d in parameter_and_buffer_dicts:
            repeated = tensors.keys() & d.keys()
            if repeated:
                raise ValueError(f"{[name for name in tensors if name in repeated]} appeared in multiple dictionaries; behavior of functional call is ambiguous")
            tensors.update(d)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    named, places = _named(module)
    if tie_weights and len(named) > len({id(t) for t in named.values()}):
        ties = {}
        for name, t in named.items():
            ties.setdefault(id(t), []).append(name)
        for names in ties.values():
            given = {id(tensors[name]): tensors[name] for name in names if name in tensors}
            if len(given) > 1:
                raise ValueError(f"functional_call got multiple values for keys {sorted(n for n in names if n in tensors)}, which are tied. "
                                 "Consider using tie_weights=False")
            for t in given.values():
                tensors.update(dict.fromkeys(names, t))
    if strict:
        unknown, missing = sorted(tensors.keys() - named.keys()), sorted(named.keys() - tensors.keys())
        if unknown or missing:
            raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t" + "\n\t".join(
                f"{what} key(s): {', '.join(map(repr, keys))}." for what, keys in (("Unexpected", unknown), ("Missing", missing)) if keys))
    before = []
    try:
        for name, t in tensors.items():
            place = places.get(name) or _place(module, name)
            if place is not None:
                registry, last = place
                before.append((registry, last, registry[last]))
                registry[last] = t
        return module(*args, **(kwargs or {}))
    finally:
        for registry, last, t in reversed(before):
            registry[last] = t


def stack_module_state(models):
    """(parameters, buffers) of modules of one class, each stacked in a new first dimension: for `vmap` over an ensemble.

    Raises:
        RuntimeError: no models, models of several classes or modes.
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({m.training for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(m) for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(m.named_parameters()) for m in models]
    buffers = [dict(m.named_buffers()) for m in models]
    return ({name: stack([p[name] for p in parameters]).detach().requires_grad_(parameters[0][name].requires_grad) for name in parameters[0]},
            {name: stack([b[name] for b in buffers]).detach() for name in buffers[0]})
