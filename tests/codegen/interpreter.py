"""Runs rows of the table in Python, on torch's numbers but with the table's own derivatives.

A naive engine over the parsed formulas: forward values of elementwise rows come from y=, of structured rows from torch's function
of that name; cotangents come from vjp= alone. So a formula can be held against torch's derivatives, to any order, before
any C exists. Used where torch is installed.
"""
import math

import torch

from wengert_ops import table as table_module
from wengert_ops.grammar import Node

TABLE = table_module.TABLE
DTYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32,
          torch.float64]

C_FUNCTIONS = {
    "silu": torch.nn.functional.silu, "gelu": torch.nn.functional.gelu, "ndtr": torch.special.ndtr,
    "gelu_slope": lambda x: torch.special.ndtr(x) + x * torch.exp(-0.5 * x * x) * 0.3989422804014327,
    "gelu_tanh": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    "log_sigmoid": torch.nn.functional.logsigmoid, "lshift": torch.bitwise_left_shift, "rshift": torch.bitwise_right_shift,
    "and": torch.bitwise_and, "or": torch.bitwise_or, "xor": torch.bitwise_xor, "not": torch.bitwise_not,
    "trunc_divide": lambda x, y: torch.div(x, y, rounding_mode="trunc"),
    "polygamma": lambda x, n: torch.polygamma(n, x), "logaddexp": torch.logaddexp,
    **{name: getattr(torch.special, name) for name in ("i0e", "i1", "i1e", "erfcx", "log_ndtr", "ndtri")},
    "pow": lambda x, y: torch.pow(x, y), "fmin": torch.fmin, "fmax": torch.fmax,
}
OPERATORS = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a*b, "div": lambda a, b: a/b, "neg": lambda a: -a,
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b, "pow": lambda a, b: float(a)**b,
}


class Value:
    """A tensor of torch's (never requiring grad) and the row that made it."""

    def __init__(self, data, row=None, inputs=(), attrs=None, outs=(), index=0):
        self.data, self.row, self.inputs, self.attrs, self.outs, self.index = data, row, inputs, attrs or {}, outs, index


def data(v):
    return v.data if isinstance(v, Value) else v


# ---- forward -----------------------------------------------------------------------------------------------------


def element(op, node, env):
    """Evaluates a y= formula."""
    if node.kind in ("x", "attr"):
        return env[node.value if node.kind == "attr" else op.tensors[node.value].name]
    if node.kind == "const":
        return node.value
    if node.kind == "meta":
        return env[node.args[0].value] is not None
    if node.kind == "if":
        return element(op, node.args[1 if element(op, node.args[0], env) else 2], env)
    if node.kind == "c":
        function = C_FUNCTIONS.get(node.value) or getattr(torch, node.value)
        return function(*[element(op, a, env) for a in node.args], *[env[name] for name, _ in node.attrs])
    if node.kind == "op":
        args = [element(op, a, env) for a in node.args]
        if node.value == "where":
            like = next((a for a in args[1:] if torch.is_tensor(a)), args[0])
            args[1:] = [a if torch.is_tensor(a) else torch.as_tensor(a, dtype=like.dtype) for a in args[1:]]
            return torch.where(*args)
        if node.value.startswith("logical"):
            tensors = [a if torch.is_tensor(a) else torch.tensor(bool(a)) for a in args]
            result = getattr(torch, node.value)(*tensors)
            return result if any(torch.is_tensor(a) for a in args) else bool(result)
        return OPERATORS[node.value](*args)
    called = TABLE[node.value]
    inner = {p.name: element(op, a, env) for p, a in zip(called.tensors, node.args)}
    inner = {k: v if torch.is_tensor(v) else torch.tensor(v, dtype=torch.float64) for k, v in inner.items()}
    given = dict(node.attrs)
    for p in called.attrs:
        inner[p.name] = element(op, given[p.name], env) if p.name in given else default(p)
    return element(called, called.y, inner)


def default(p):
    return p.choices.index(p.default) if p.choices else p.default


def adjoint(function, shape, g):
    """The adjoint of a linear function of an array of this shape, by torch."""
    x = torch.zeros(shape, dtype=g.dtype, requires_grad=True)
    with torch.enable_grad():
        y = function(x)
    return torch.autograd.grad(y, x, g.reshape(y.shape))[0]


def dims(dim):
    return tuple(dim) if dim else None


def unreduce(x, shape, dim, keepdim):
    if not keepdim:
        every = range(len(shape)) if not dim else [d % max(len(shape), 1) for d in dim]
        for d in sorted(every):
            if len(shape):
                x = x.unsqueeze(d)
    return x.expand(shape)


def scan(x, c, dim, reverse, exclusive):
    if x.ndim == 0:
        return torch.zeros_like(x) if exclusive else x
    x, c = x.movedim(dim, 0), c.movedim(dim, 0)
    n, out = x.shape[0], []
    order = list(range(n))[::-1] if reverse else list(range(n))
    state, last = torch.zeros_like(x[0]) if n else None, None
    for k in order:
        if exclusive:
            state = torch.zeros_like(x[0]) if last is None else x[last] + c[last]*state
        else:
            state = x[k] + (c[k if not reverse else last]*state if last is not None else 0)
        out.append(state)
        last = k
    return torch.stack(out[::-1] if reverse else out).movedim(0, dim) if n else x.movedim(0, dim)


def cumprod_exclusive(x, dim, reverse):
    if reverse:
        return cumprod_exclusive(x.flip(dim), dim, False).flip(dim)
    if x.ndim == 0:
        return torch.ones_like(x)
    ones = torch.ones_like(x.narrow(dim, 0, 1))
    return torch.cat([ones, x.cumprod(dim).narrow(dim, 0, x.shape[dim] - 1)], dim)


def index_first(v, index, place):
    """The dimensions of an index before the others; v may have fewer dimensions where place is 0."""
    n = index.dim() - 1
    return v.movedim(tuple(range(place, place + n)), tuple(range(n))) if place else v


def masked_place(x, mask, shape):
    whole = torch.broadcast_shapes(mask.shape, shape)
    out = torch.zeros(whole, dtype=x.dtype)
    return out.masked_scatter(mask, x.reshape(-1))


def masked_take(x, mask, shape):
    out = torch.zeros(math.prod(shape), dtype=x.dtype)
    found = x[mask.expand(x.shape)]
    out[:found.numel()] = found
    return out.reshape(shape)


def embedding_factors(indices, size, padding_idx, scale):
    factor = torch.ones(indices.shape, dtype=torch.float64)
    if scale:
        factor = factor/torch.bincount(indices.reshape(-1), minlength=size)[indices]
    return torch.where(indices == padding_idx, 0., factor).unsqueeze(-1)


def loss(name):
    """A loss of the table: a private elementwise core, reduced."""
    core = TABLE["_" + name]

    def forward(x, target, reduction, *params):
        env = {"x": x, "target": target, **{p.name: v for p, v in zip(core.attrs, params)}}
        y = element(core, core.y, env)
        return y.mean() if reduction == 1 else y.sum() if reduction == 2 else y
    return forward


def nll(x, target, weight, reduction, ignore_index):
    y = torch.nn.functional.nll_loss(x, target, weight, reduction=("none", "mean", "sum")[reduction], ignore_index=ignore_index)
    kept = target != ignore_index
    total = (weight[target.clamp_min(0)]*kept).sum() if weight is not None else kept.sum().to(x.dtype)
    return y, total


def same(name):
    return getattr(torch, name)


def typed(function):
    return lambda x, *args: function(x, *args[:-1])


def slicing(x, dim, start, end, step):
    index = [slice(None)]*x.ndim
    index[dim] = slice(start, end, step)
    return x[tuple(index)]


FORWARD = {
    "sum": lambda x, dtype: x.sum(), "sum_dim": lambda x, dim, keepdim, dtype: x.sum(dims(dim), keepdim),
    "nansum": lambda x, dim, keepdim, dtype: x.nansum(dims(dim), keepdim),
    "mean": lambda x, dtype: x.mean(), "mean_dim": lambda x, dim, keepdim, dtype: x.mean(dims(dim), keepdim),
    "prod": lambda x, dtype: x.prod(), "prod_dim": lambda x, dim, keepdim, dtype: x.prod(dim, keepdim),
    "amax": torch.amax, "amin": torch.amin, "max": torch.max, "min": torch.min, "max_dim": torch.max, "min_dim": torch.min,
    "median": torch.median, "median_dim": torch.median, "kthvalue": torch.kthvalue, "mode": torch.mode,
    "nanmedian": torch.nanmedian, "nanmedian_dim": torch.nanmedian, "logcumsumexp": torch.logcumsumexp,
    "put": lambda x, i, s, a: x.put(i, torch.as_tensor(s, dtype=x.dtype).expand(i.shape), a),
    "aminmax": lambda x, dim, k: tuple(torch.aminmax(x, dim=dim, keepdim=k)),
    "var": lambda x, dim, c, k: torch.var(x, dims(dim), correction=1 if c is None else c, keepdim=k),
    "std": lambda x, dim, c, k: torch.std(x, dims(dim), correction=1 if c is None else c, keepdim=k),
    "vector_norm": lambda x, ord, dim, k, dtype: torch.linalg.vector_norm(x, ord, dims(dim), k),
    "logsumexp": torch.logsumexp, "cumsum": lambda x, dim, dtype: x.cumsum(dim),
    "_cumsum_back": lambda x, dim: x.flip(dim).cumsum(dim).flip(dim) if x.ndim else x, "cumprod": lambda x, dim, dtype: x.cumprod(dim),
    "_cumprod_exclusive": cumprod_exclusive, "_scan": scan, "cummax": torch.cummax, "cummin": torch.cummin,
    "sort": lambda x, dim, descending, stable: torch.sort(x, dim=dim, descending=descending, stable=bool(stable)),
    "topk": torch.topk,
    "view": lambda x, s: x.reshape(s), "_reshape": lambda x, s: x.reshape(s), "_unsafe_view": lambda x, s: x.reshape(s),
    "_resize_ones": lambda x, s: x.reshape(s), "alias": lambda x: x, "transpose": torch.transpose, "t": torch.t,
    "permute": torch.permute, "_permute_back": lambda x, d: x.permute([list(d).index(k) for k in range(len(d))]),
    "squeeze": torch.squeeze, "squeeze_dim": torch.squeeze, "unsqueeze": torch.unsqueeze, "expand": lambda x, s: x.expand(s),
    "_unreduce": unreduce, "select": torch.select, "slice": slicing, "diagonal": torch.diagonal,
    "unfold": lambda x, d, s, t: x.unfold(d, s, t),
    "as_strided": lambda x, s, t, o: x.contiguous().as_strided(s, t, o or 0),
    "_strided_window": lambda x, s, t, o: x.contiguous().as_strided(s, t, o or 0),
    "fill": torch.fill, "fill_tensor": torch.fill,
    "split": torch.split, "split_with_sizes": torch.split, "unbind": torch.unbind,
    "_select_back": lambda x, s, d, i: adjoint(lambda z: z.select(d, i), s, x),
    "_slice_back": lambda x, s, *a: adjoint(lambda z: slicing(z, *a), s, x),
    "_diagonal_back": lambda x, s, *a: adjoint(lambda z: z.diagonal(*a), s, x),
    "_unfold_back": lambda x, s, *a: adjoint(lambda z: z.unfold(*a), s, x),
    "_as_strided_back": lambda x, s, n, t, o: adjoint(lambda z: z.as_strided(n, t, o or 0), s, x),
    "to_dtype": lambda x, dtype: x.to(DTYPES[dtype]), "clone": lambda x, f: x.clone(),
    "sum_to": lambda x, s: x.sum_to_size(s), "copy_into": lambda x, src: src.to(x.dtype).expand(x.shape),
    "cat": torch.cat, "stack": torch.stack, "flip": torch.flip, "roll": lambda x, s, d: torch.roll(x, s, d),
    "_roll_back": lambda x, s, d: torch.roll(x, [-k for k in s], d), "repeat": lambda x, r: x.repeat(r),
    "_repeat_back": lambda x, s, r: adjoint(lambda z: z.repeat(r), s, x), "tril": torch.tril, "triu": torch.triu,
    "pad": lambda x, p, m, v: torch.nn.functional.pad(x, p, ("constant", "reflect", "replicate", "circular")[m], v),
    "_pad_back": lambda x, p, m, s: adjoint(lambda z: FORWARD["pad"](z, p, m, None), s, x),
    "_index": lambda x, i, p: x[tuple(i)].movedim(tuple(range(i.dim() - 1)), tuple(range(p, p + i.dim() - 1))),
    "_index_put_sum": lambda x, i, s, p: torch.zeros(s, dtype=x.dtype).index_put(tuple(i), index_first(x, i, p), True),
    "_index_put": lambda x, i, v, a, p: x.index_put(tuple(i), index_first(torch.as_tensor(v, dtype=x.dtype), i, p), a),
    "gather": lambda x, d, i, s: torch.gather(x, d, i),
    "_scatter_sum": lambda x, d, i, s: torch.zeros(s, dtype=x.dtype).scatter_add(d, i, x.reshape(i.shape)),
    "scatter": torch.scatter, "scatter_value": torch.scatter, "scatter_add": torch.scatter_add, "index_select": torch.index_select,
    "_index_sum": lambda x, d, i, s: torch.zeros(s, dtype=x.dtype).index_add(d, i, x),
    "index_add": lambda x, d, i, s, a: torch.index_add(x, d, i, s, alpha=a), "index_copy": torch.index_copy,
    "index_fill": torch.index_fill, "take": torch.take,
    "_take_sum": lambda x, i, s: torch.zeros(s, dtype=x.dtype).put(i, x, True),
    "masked_select": torch.masked_select, "masked_scatter": torch.masked_scatter, "_masked_place": masked_place,
    "_masked_take": masked_take,
    "_cholesky_ex": torch.linalg.cholesky_ex, "_solve_ex": torch.linalg.solve_ex, "_inv_ex": torch.linalg.inv_ex,
    "_solve_triangular": lambda a, b, upper, unit: torch.linalg.solve_triangular(a, b, upper=upper, unitriangular=unit),
    "mm": torch.mm, "bmm": torch.bmm, "mv": torch.mv, "dot": torch.dot, "_matmul": torch.matmul,
    "addmm": lambda x, a, b, beta, alpha: torch.addmm(x, a, b, beta=beta, alpha=alpha),
    "addmv": lambda x, a, b, beta, alpha: torch.addmv(x, a, b, beta=beta, alpha=alpha),
    "baddbmm": lambda x, a, b, beta, alpha: torch.baddbmm(x, a, b, beta=beta, alpha=alpha),
    "linear": torch.nn.functional.linear,
    "softmax": torch.softmax, "log_softmax": torch.log_softmax,
    "layer_norm": lambda x, n, w, b, e: (torch.nn.functional.layer_norm(x, n, w, b, e), None, None),
    "_rms_norm": lambda x, n, w, e: (torch.nn.functional.rms_norm(x, n, w, e), None),
    "_batch_norm": lambda x, w, b, m, v, dims, view, training, e: (torch.nn.functional.batch_norm(x, m, v, w, b, training, 0.0, e), None, None, None),
    "embedding": lambda i, w, p, s: torch.nn.functional.embedding(i, w),
    "_embedding_masked": lambda w, i, p, s: w[i]*embedding_factors(i, w.shape[0], p, s),
    "_embedding_sum": lambda x, i, s, p, f: torch.zeros(s, dtype=x.dtype).index_put((i,), x*embedding_factors(i, s[0], p, f), True),
    "nll_loss": nll,
    "_nll_loss_back": lambda x, t, w, total, r, i, s: adjoint(lambda z: nll(z, t, w, r, i)[0], s, x),
    "cross_entropy": lambda x, t, w, r, i: (*nll(torch.log_softmax(x, 1 if x.ndim > 1 else 0), t, w, r, i), None),
    **{op.name[1:]: loss(op.name[1:]) for op in TABLE if op.name.startswith("_") and op.name[1:] in TABLE.rows
       and TABLE[op.name[1:]].where == "" and op.kind == "elementwise"},
}


def apply(op, tensors, attrs):
    """The outputs of a row as Values. tensors are Values, numbers or None; attrs by name."""
    attrs = {**{p.name: default(p) for p in op.attrs if p.has_default}, **attrs}
    xs = [data(t) for t in tensors]
    with torch.no_grad():
        if op.kind == "elementwise":
            like = [x for x in xs if torch.is_tensor(x)]
            xs = [x if torch.is_tensor(x) else torch.tensor(x, dtype=like[0].dtype if like[0].is_floating_point() else None) for x in xs]
            y = element(op, op.y, {**{p.name: x for p, x in zip(op.tensors, xs)}, **attrs})
            if not torch.is_tensor(y):
                y = torch.full_like(xs[0], y)
            shape = torch.broadcast_shapes(*[x.shape for x in xs])
            ys = [y.expand(shape)]
        else:
            by_name = {p.name: x for p, x in zip(op.tensors, [xs] if op.variadic else xs)}
            y = FORWARD[op.name](*[by_name[p.name] if p.is_tensor else attrs[p.name] for p in op.params])
            ys = list(y) if isinstance(y, (tuple, list)) else [y]
    outs = []
    outs += [Value(d, op, tuple(tensors), attrs, outs, k) for k, d in enumerate(ys)]
    return outs


# ---- VJP ---------------------------------------------------------------------------------------------------------


class Replay:
    """Evaluates one VJP formula as recorded rows."""

    def __init__(self, value, g, i):
        self.op, self.x, self.outs, self.attrs, self.g, self.i, self.memo = value.row, value.inputs, value.outs, value.attrs, g, i, {}

    def leaf(self, n):
        if n.kind == "x":
            return self.x[n.value]
        if n.kind == "y":
            return self.outs[n.value]
        if n.kind == "element":
            return self.x[self.i]
        return self.g[n.value or 0]

    def number(self, n):
        if n.kind == "const":
            return n.value
        if n.kind == "attr":
            return self.attrs[n.value]
        if n.kind == "tuple":
            return tuple(self.number(a) for a in n.args)
        if n.kind == "if":
            return self.number(n.args[1 if self.number(n.args[0]) else 2])
        if n.kind == "op":
            args = [self.number(a) for a in n.args]
            if n.value.startswith("logical"):
                return {"and": all, "or": any, "not": lambda a: not a[0]}[n.value[8:]](args)
            try:
                return OPERATORS[n.value](*args)
            except ZeroDivisionError:
                return math.inf if args[0] else math.nan
        first = n.args[0] if n.args else None
        if n.value == "given":
            return (self.attrs[first.value] if first.kind == "attr" else self.leaf(first)) is not None
        if n.value == "position":
            return self.i
        if n.value == "prefix":
            return sum(data(v).shape[self.number(n.args[1])] for v in self.x[:self.i])
        if n.value == "len":
            return len(self.number(first))
        if n.value == "at":
            return self.number(first)[self.number(n.args[1])]
        t = data(self.leaf(first))
        if n.value in ("shape", "numel", "ndim", "dtype"):
            return {"shape": tuple(t.shape), "numel": t.numel(), "ndim": t.ndim, "dtype": DTYPES.index(t.dtype)}[n.value]
        k = self.number(n.args[1])
        if n.value == "size":
            return t.shape[k]
        return math.prod(t.shape[:max(t.ndim - k, 0)]) if n.value == "leading" else math.prod(t.shape[max(t.ndim - k, 0):])

    def tensor(self, n):
        if n.kind in ("x", "y", "g", "element"):
            return self.leaf(n)
        if n.kind == "glist":
            return self.g
        if not n.is_tensor:
            return None if n.sort == "none" else self.number(n)
        if n in self.memo:
            return self.memo[n]
        if n.kind == "if":
            return self.tensor(n.args[1 if self.number(n.args[0]) else 2])
        if n.kind == "item":
            self.tensor(n.args[0])
            return self.memo[n.args[0]].outs[n.value]
        called = TABLE[n.value]
        tensors = self.tensor(n.args[0]) if n.args[0].kind == "glist" else [self.tensor(a) for a in n.args]
        self.memo[n] = apply(called, tensors, {name: self.number(a) for name, a in n.attrs})[0]
        return self.memo[n]


def fit(value, like):
    """What the sweep does to the cotangent of an elementwise input."""
    if data(value).shape != data(like).shape:
        value = apply(TABLE["sum_to"], [value], {"shape": tuple(data(like).shape)})[0]
    return value


def grad(y, g, wanted):
    """Cotangents of the wanted Values (None where there is no path), themselves differentiable."""
    order, seen, stack = [], set(), [(y, False)]
    while stack:
        v, done = stack.pop()
        if not isinstance(v, Value) or v.row is None:
            continue
        if done:
            order.append(v.outs)
        elif id(v.outs) not in seen:
            seen.add(id(v.outs))
            stack.append((v, True))
            stack += [(x, False) for x in v.inputs]
    sums = {id(y): g}

    def add(v, gx):
        sums[id(v)] = gx if id(v) not in sums else apply(TABLE["add"], [sums[id(v)], gx], {})[0]

    for outs in reversed(order):
        op = outs[0].row
        gs = [sums.get(id(o)) for o in outs]
        if all(q is None for q in gs):
            continue
        gs = [q if q is not None else o.data is not None and Value(torch.zeros(o.data.shape, dtype=torch.float64)) for q, o in zip(gs, outs)]
        for i, x in enumerate(outs[0].inputs):
            formula = op.vjp[op.tensors[0 if op.variadic else i].name]
            if not isinstance(x, Value) or not isinstance(formula, Node):
                continue
            gx = Replay(outs[0], gs, i).tensor(formula)
            add(x, fit(gx, x) if op.kind == "elementwise" else gx)
    return [sums.get(id(w)) for w in wanted]
