"""Operations over shapes and layouts, ours against torch's: which ones are slower?

    python benchmarks/sweep.py                     # everything, some ten minutes; slowest ratio first
    python benchmarks/sweep.py --only softmax,exp  # rows whose name contains one of these
    python benchmarks/sweep.py --threads 2 --below 1.2

A row is an operation on one shape and layout, forward, or forward and backward ("'" behind its name). Both libraries run
in processes of their own and take turns; shown is the least time of each in microseconds, and torch's divided by ours.
"""
import argparse
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from micro import BASE, Micro  # noqa: E402

SHAPES = {"64x64": (64, 64), "1000x1000": (1000, 1000), "1e6": (1000000,)}
LAYOUTS = {"": "{}", ".t": "{}.t()", "[::2]": "lib.cat([{0}, {0}], 1)[:, ::2]"}

MATHS = ["exp", "log", "tanh", "sigmoid", "erf", "erfc", "sin", "cos", "tan", "sqrt", "rsqrt", "log1p", "expm1", "log2", "log10", "exp2",
         "abs", "neg", "square", "reciprocal", "sign", "floor", "round", "trunc", "ceil", "atan", "asin", "acos", "sinh", "cosh",
         "asinh", "acosh", "atanh", "isnan", "isfinite", "logical_not", "clone", "lgamma", "digamma", "erfinv", "signbit", "frac"]
SCREENED = {"acosh": "x + 1", "asin": "x / 9", "acos": "x / 9", "atanh": "x / 9", "erfinv": "x / 9"}
NO_GRADIENT = {"sign", "floor", "round", "trunc", "ceil", "isnan", "isfinite", "logical_not", "signbit", "digamma", "frac"}
ACTIVATIONS = ["gelu", "silu", "softplus", "mish", "elu", "leaky_relu", "relu", "relu6", "hardswish", "hardsigmoid", "hardtanh", "logsigmoid",
               "selu", "celu", "softsign", "tanhshrink", "softshrink", "hardshrink"]
BINARY = {"add": "x + z", "sub": "x - z", "mul": "x * z", "div": "x / z", "pow": "lib.pow(x, z)", "pow2": "x ** 2", "pow3": "x ** 3",
          "pow2.5": "x ** 2.5", "powhalf": "x ** 0.5", "maximum": "lib.maximum(x, z)", "minimum": "lib.minimum(x, z)",
          "atan2": "lib.atan2(x, z)", "hypot": "lib.hypot(x, z)", "fmod": "lib.fmod(x, z)", "remainder": "lib.remainder(x, z)",
          "floor_divide": "x // z", "eq": "x == z", "lt": "x < z", "logaddexp": "lib.logaddexp(x, z)", "where": "lib.where(m, x, z)",
          "lerp": "lib.lerp(x, z, 0.3)", "addcmul": "lib.addcmul(x, z, z)", "addcdiv": "lib.addcdiv(x, z, z)", "clamp": "x.clamp(0.3, 0.9)",
          "muls": "x * 2.0", "adds": "x + 1.0", "rsubs": "1.0 - x", "rdivs": "1.0 / x", "gts": "x > 0.5", "iadd": "x.add_(z)",
          "imul": "x.mul_(1.0000001)", "masked_fill": "x.masked_fill(m, 0.0)", "copysign": "lib.copysign(x, z)", "heaviside": "lib.heaviside(x, z)",
          "xlogy": "lib.xlogy(x, z)", "copy_": "x.copy_(z)", "zero_": "x.zero_()", "fill_": "x.fill_(1.5)", "and": "m & (m)", "nan_to_num": "lib.nan_to_num(x)"}
NO_GRADIENT_BINARY = {"fmod", "remainder", "floor_divide", "eq", "lt", "gts", "iadd", "imul", "copysign", "heaviside", "copy_", "zero_", "fill_",
                      "and", "nan_to_num"}
REDUCTIONS = ["sum", "mean", "prod", "amax", "amin", "var", "std", "norm", "logsumexp", "argmax", "argmin", "all", "any", "max", "min",
              "cumsum", "cumprod", "cummax", "logcumsumexp", "softmax", "log_softmax", "median", "count_nonzero", "var_mean"]
NEED_DIM = {"logsumexp", "cumsum", "cumprod", "cummax", "logcumsumexp", "softmax", "log_softmax"}
NO_GRADIENT_REDUCTION = {"argmax", "argmin", "all", "any", "count_nonzero", "median", "var_mean"}
CASTS = {"float64": "lib.float64", "int64": "lib.int64", "int32": "lib.int32", "bool": "lib.bool", "float16": "lib.float16",
         "bfloat16": "lib.bfloat16", "uint8": "lib.uint8"}
SETUP = BASE + "F = lib.nn.functional\nlib.manual_seed(0)\n"

ROWS = {}


def row(name, statement, setup, check=None):
    ROWS[name] = Micro(name, name, statement, SETUP + setup, check="None" if check is None else check)


def both(name, expression, setup, leaves=("x",), forward=True):
    """The row of an expression, and the one with its gradient."""
    if forward:
        row(name, expression, setup)
    marks = "".join(f"{leaf} = {leaf}.detach().requires_grad_()\n" for leaf in leaves)
    grads = setup + marks + f"y = {expression}\ny = y[0] if isinstance(y, tuple) else y\ng = lib.ones_like(y)\n" + (
        f"def step():\n    y = {expression}\n    y = y[0] if isinstance(y, tuple) else y\n"
        f"    return lib.autograd.grad(y, ({''.join(leaf + ', ' for leaf in leaves)}), g)\n")
    row(name + "'", "step()", grads)


def elementwise():
    for size, shape in SHAPES.items():
        for mark, layout in LAYOUTS.items():
            if len(shape) == 1 and mark:
                continue
            x, z = (layout.format(f"(tensor(*{shape}, seed={seed}).abs() + 0.05)") for seed in (0, 1))
            head = f"x = {x}; z = {z}; m = x > 0.6\n"
            where = f" {size}{mark}"
            for name in MATHS:
                value = f"lib.{name}({'w' if name in SCREENED else 'x'})"
                setup = head + (f"w = {SCREENED[name]}\n" if name in SCREENED else "")
                if name in NO_GRADIENT:
                    row(name + where, value, setup)
                else:
                    both(name + where, value, setup, ("w" if name in SCREENED else "x",))
            for name in ACTIVATIONS:
                both(name + where, f"F.{name}(x)", head + "x = x - 0.7\n")
            both("gelu_tanh" + where, "F.gelu(x, approximate='tanh')", head)
            for name, value in BINARY.items():
                if name in NO_GRADIENT_BINARY:
                    row(name + where, value, head)
                else:
                    both(name + where, value, head, ("x", "z") if "z" in value else ("x",))
            for name, dtype in CASTS.items():
                row(f"to_{name}{where}", f"x.to({dtype})", head)
                row(f"from_{name}{where}", "w.float()", head + f"w = (x * 3).to({dtype})\n")
            row("contiguous" + where, "x.contiguous()", head)
            for dtype in ("float64", "int64"):
                row(f"add_{dtype}{where}", "x + z", head + f"x = x.to(lib.{dtype}); z = z.to(lib.{dtype})\n")
                row(f"mul_{dtype}{where}", "x * z", head + f"x = x.to(lib.{dtype}); z = z.to(lib.{dtype})\n")
            row(f"exp_float64{where}", "lib.exp(x)", head + "x = x.double()\n")
            row(f"tanh_float64{where}", "lib.tanh(x)", head + "x = x.double()\n")
            row(f"log_float64{where}", "lib.log(x)", head + "x = x.double()\n")
            row(f"sin_float64{where}", "lib.sin(x)", head + "x = x.double()\n")
    for size, n in {"64": 64, "1000": 1000}.items():
        head = f"x = tensor({n}, {n}); r = tensor({n}, seed=1); c = tensor({n}, 1, seed=2); s = lib.tensor(0.5)\n"
        for name, value in {"x+r": "x + r", "x*c": "x * c", "r+c": "r + c", "x+x.t": "x + x.t()", "x*s": "x * s", "r>c": "r > c"}.items():
            both(f"{name} {size}", value, head, tuple(v for v in "xrcs" if v in value.replace(".t()", ""))) if ">" not in name else row(
                f"{name} {size}", value, head)


def reductions():
    for size, shape in SHAPES.items():
        for mark, layout in LAYOUTS.items():
            if len(shape) == 1 and mark:
                continue
            x = layout.format(f"tensor(*{shape})")
            for dim in (None, 0, -1) if len(shape) == 2 else (None, 0):
                for name in REDUCTIONS:
                    if dim is None and name in NEED_DIM or (name == "prod" and dim is None and size != "64x64"):
                        continue
                    target = "(x > 9)" if name in ("any", "all") else "x"
                    value = f"{target}.{name}({'' if dim is None else f'dim={dim}'})"
                    label = f"{name}{'' if dim is None else dim} {size}{mark}"
                    if name in ("any", "all"):
                        row(label, value.replace("(x > 9)", "b"), f"x = {x}; b = x > {9 if name == 'any' else -9}\n")
                    elif name in NO_GRADIENT_REDUCTION:
                        row(label, value, f"x = {x}\n")
                    else:
                        both(label, value, f"x = {x}\n")
    for dtype in ("float64", "int64", "int32", "bool"):
        row(f"sum_{dtype} 1e6", "x.sum()", f"x = (tensor(1000000) * 3).to(lib.{dtype})\n")
        row(f"sum0_{dtype} 1000x1000", "x.sum(0)", f"x = (tensor(1000, 1000) * 3).to(lib.{dtype})\n")
    for shape, dims in {(100, 10, 1000): (0, 2), (32, 64, 28, 28): (0, 2, 3), (8, 128, 256): (1,)}.items():
        head = f"x = tensor(*{shape})\n"
        both(f"sum{dims} {shape}", f"x.sum({dims})", head)
        row(f"amax{dims} {shape}", f"x.amax({dims})", head)
        row(f"var{dims} {shape}", f"x.var({dims})", head)


def indexing():
    for n in (64, 1000):
        head = (f"x = tensor({n}, {n}); r = np.random.default_rng(3); i = lib.from_numpy(r.integers(0, {n}, {n}))\n"
                f"j = lib.from_numpy(r.integers(0, {n}, ({n}, {n}))); m = x > 0.5; v = tensor({n}, {n}, seed=4)\n")
        for name, value, leaves in [
                ("index_select0", "lib.index_select(x, 0, i)", "x"), ("index_select1", "lib.index_select(x, 1, i)", "x"),
                ("gather0", "lib.gather(x, 0, j)", "x"), ("gather1", "lib.gather(x, 1, j)", "x"),
                ("scatter_add0", "lib.scatter_add(x, 0, j, v)", "xv"), ("scatter_add1", "lib.scatter_add(x, 1, j, v)", "xv"),
                ("scatter1", "lib.scatter(x, 1, j, 1.0)", "x"), ("x[i]", "x[i]", "x"), ("x[:,i]", "x[:, i]", "x"), ("x[i,i]", "x[i, i]", "x"),
                ("x[j]", "x[i][:, i]", "x"), ("x[m]", "x[m]", "x"), ("take", "lib.take(x, j)", "x"),
                ("index_add0", "lib.index_add(x, 0, i, v)", "xv"), ("index_add1", "lib.index_add(x, 1, i, v)", "xv"),
                ("cat0", "lib.cat([x, v])", "xv"), ("cat1", "lib.cat([x, v], 1)", "xv"), ("stack", "lib.stack([x, v])", "xv"),
                ("stack2", "lib.stack([x, v], 2)", "xv"), ("flip", "x.flip(0)", "x"), ("flip1", "x.flip(1)", "x"), ("roll", "x.roll(3, 1)", "x"),
                ("tril", "x.tril()", "x"), ("repeat", "x.repeat(2, 2)", "x"), ("pad", "F.pad(x, (1, 2, 3, 4))", "x"),
                ("repeat_interleave", "x.repeat_interleave(3, 0)", "x"), ("embedding", "F.embedding(i, x)", "x"),
                ("diagonal", "x.diagonal().clone()", "x"), ("chunk", "lib.cat(x.chunk(4, 1), 0)", "x"), ("slice", "x[:, 3:].contiguous()", "x"),
                ("unfold", "x.unfold(1, 4, 2).contiguous()", "x"), ("permute", "x.t().contiguous()", "x"),
                ("sort", "lib.sort(x)[0]", "x"), ("sort0", "lib.sort(x, 0)[0]", "x"), ("topk", "lib.topk(x, 10)[0]", "x"), ("topk0", "lib.topk(x, 10, 0)[0]", "x"),
                ("kthvalue", "lib.kthvalue(x, 5)[0]", "x"), ("masked_select", "lib.masked_select(x, m)", "x")]:
            both(f"{name} {n}", value, head, tuple(leaves))
        for name, value in [("nonzero", "lib.nonzero(m)"), ("argsort", "lib.argsort(x)"), ("unique", "lib.unique(j)"), ("bincount", "lib.bincount(i)"),
                            ("searchsorted", "lib.searchsorted(s, x)"), ("one_hot", f"F.one_hot(i, {n})"), ("setmask", "x.__setitem__(m, 0.0)"),
                            ("seti", "x.__setitem__(i, 1.0)"), ("setj", "x.__setitem__((i, i), 1.0)"), ("arange", f"lib.arange({n * n})"),
                            ("linspace", f"lib.linspace(0, 1, {n * n})"), ("eye", f"lib.eye({n})"), ("zeros", f"lib.zeros({n}, {n})"),
                            ("full", f"lib.full(({n}, {n}), 1.5)"), ("isin", "lib.isin(i, i)"), ("histc", "lib.histc(x, 50)"), ("mode", "lib.mode(j)"),
                            ("sort_int", "lib.sort(j)"), ("sort_flat", "lib.sort(x.view(-1))"), ("topk_flat", "lib.topk(x.view(-1), 10)"),
                            ("allclose", "lib.allclose(x, x)"), ("equal", "lib.equal(x, x)"), ("multinomial", "lib.multinomial(m.float() + 0.1, 5)")]:
            row(f"{name} {n}", value, head + "s = lib.sort(x[0])[0]\n")
        for name, value in [("rand", f"lib.rand({n}, {n})"), ("randn", f"lib.randn({n}, {n})"), ("randint", f"lib.randint(0, 10, ({n}, {n}))"),
                            ("randperm", f"lib.randperm({n * n})"), ("bernoulli", "lib.bernoulli(p)"), ("normal_", "x.normal_()"),
                            ("uniform_", "x.uniform_()"), ("exponential_", "x.exponential_()"), ("randn64", f"lib.randn({n}, {n}, dtype=lib.float64)"),
                            ("rand64", f"lib.rand({n}, {n}, dtype=lib.float64)"), ("poisson", "lib.poisson(p)")]:
            row(f"{name} {n}", value, head + "p = lib.full_like(x, 0.3)\n")
        both(f"dropout {n}", "F.dropout(x, 0.3)", head)


def products():
    for m, k, n in [(1, 64, 64), (1, 512, 512), (64, 64, 1), (512, 512, 1), (64, 100, 10), (64, 10, 100), (64, 8, 64), (64, 64, 4), (8, 8, 8),
                    (4, 4, 4), (2, 2, 2), (3, 3, 3), (16, 16, 16), (32, 32, 32), (64, 1000, 100), (128, 784, 10), (1000, 3, 1000), (1000, 2, 2),
                    (5, 1000, 1000), (2, 1000, 1000), (1000, 1000, 5), (1, 5000, 5000), (1000, 1, 1000), (256, 256, 256), (10000, 8, 8)]:
        head = f"x = tensor({m}, {k}); w = tensor({k}, {n}, seed=1); b = tensor({n}, seed=2)\n"
        both(f"mm {m}x{k}x{n}", "x @ w", head, ("x", "w"))
        both(f"linear {m}x{k}x{n}", "F.linear(x, w, b)", head + "w = w.t().contiguous()\n", ("x", "w", "b"))
        row(f"mm.t {m}x{k}x{n}", "x @ w", head + "x = x.t().contiguous().t(); w = w.t().contiguous().t()\n")
        row(f"mm.64 {m}x{k}x{n}", "x @ w", head + "x = x.double(); w = w.double()\n")
        row(f"addmm {m}x{k}x{n}", "lib.addmm(b, x, w)", head)
    for items, m, k, n in [(64, 4, 4, 4), (1000, 3, 3, 3), (1000, 2, 2, 2), (256, 8, 8, 8), (64, 16, 16, 16), (48, 64, 32, 64), (100, 1, 64, 64), (1000, 4, 4, 1), (32, 64, 64, 1)]:
        head = f"x = tensor({items}, {m}, {k}); w = tensor({items}, {k}, {n}, seed=1)\n"
        both(f"bmm {items}x{m}x{k}x{n}", "x @ w", head, ("x", "w"))
        row(f"bmm.t {items}x{m}x{k}x{n}", "x @ w", head + "w = w.transpose(1, 2).contiguous().transpose(1, 2)\n")
    for n in (100, 10000, 1000000):
        row(f"dot {n}", "lib.dot(x, w)", f"x = tensor({n}); w = tensor({n}, seed=1)\n")
    both("einsum bij,bjk", "lib.einsum('bij,bjk->bik', x, w)", "x = tensor(32, 16, 16); w = tensor(32, 16, 16)\n", ("x", "w"))
    both("einsum bhid,bhjd", "lib.einsum('bhid,bhjd->bhij', x, w)", "x = tensor(4, 4, 64, 32); w = tensor(4, 4, 64, 32)\n", ("x", "w"))
    both("outer 1000", "lib.outer(x, w)", "x = tensor(1000); w = tensor(1000)\n", ("x", "w"))


def layers():
    for b, c in [(64, 64), (768, 128), (1000, 1000), (32, 10), (4096, 4096)]:
        head = f"x = tensor({b}, {c}); w = tensor({c}, seed=1); v = tensor({c}, seed=2); t = lib.from_numpy(np.random.default_rng(2).integers(0, {c}, {b}))\nz = tensor({b}, {c}, seed=5)\n"
        both(f"layer_norm {b}x{c}", f"F.layer_norm(x, ({c},), w, v)", head, ("x", "w", "v"))
        both(f"rms_norm {b}x{c}", f"F.rms_norm(x, ({c},), w)", head, ("x", "w"))
        both(f"batch_norm {b}x{c}", "F.batch_norm(x, None, None, w, v, True)", head, ("x", "w", "v"))
        both(f"cross_entropy {b}x{c}", "F.cross_entropy(x, t)", head)
        both(f"nll_loss {b}x{c}", "F.nll_loss(x, t)", head)
        both(f"mse_loss {b}x{c}", "F.mse_loss(x, z)", head, ("x", "z"))
        both(f"l1_loss {b}x{c}", "F.l1_loss(x, z)", head)
        both(f"smooth_l1 {b}x{c}", "F.smooth_l1_loss(x, z)", head)
        both(f"huber {b}x{c}", "F.huber_loss(x, z)", head)
        both(f"bce_logits {b}x{c}", "F.binary_cross_entropy_with_logits(x, p)", head + "p = z.sigmoid()\n")
        both(f"bce {b}x{c}", "F.binary_cross_entropy(q, p)", head + "p = z.sigmoid(); q = x.sigmoid()\n", ("q",))
        both(f"kl_div {b}x{c}", "F.kl_div(x, p, reduction='batchmean')", head + "p = z.softmax(1)\n")
        both(f"normalize {b}x{c}", "F.normalize(x)", head)
        both(f"cosine {b}x{c}", "F.cosine_similarity(x, z)", head, ("x", "z"))
        both(f"glu {b}x{c}", "F.glu(x)", head)
        both(f"group_norm {b}x{c}", f"F.group_norm(x, 2, w, v)", head, ("x", "w", "v"))
    both("batch_norm2d 32x64x28x28", "F.batch_norm(x, None, None, w, v, True)", "x = tensor(32, 64, 28, 28); w = tensor(64); v = tensor(64)\n", ("x", "w", "v"))
    both("batch_norm2d eval", "F.batch_norm(x, v, w, w, v, False)", "x = tensor(32, 64, 28, 28); w = tensor(64).abs(); v = tensor(64)\n", ("x",))
    both("group_norm 8x64x28x28", "F.group_norm(x, 8, w, v)", "x = tensor(8, 64, 28, 28); w = tensor(64); v = tensor(64)\n", ("x", "w", "v"))
    both("cross_entropy2d", "F.cross_entropy(x, t)", "x = tensor(8, 21, 64, 64); t = lib.from_numpy(np.random.default_rng(2).integers(0, 21, (8, 64, 64)))\n")
    for b, h, t, d in [(12, 4, 64, 32), (2, 2, 16, 8), (4, 8, 256, 64)]:
        head = f"q = tensor({b}, {h}, {t}, {d}); k = tensor({b}, {h}, {t}, {d}, seed=1); v = tensor({b}, {h}, {t}, {d}, seed=2)\nm = lib.ones({t}, {t}, dtype=lib.bool).tril()\nf = lib.zeros({t}, {t}).masked_fill(~m, float('-inf'))\n"
        both(f"sdpa {b}x{h}x{t}x{d}", "F.scaled_dot_product_attention(q, k, v)", head, "qkv")
        both(f"sdpa_causal {b}x{h}x{t}x{d}", "F.scaled_dot_product_attention(q, k, v, is_causal=True)", head, "qkv")
        both(f"sdpa_mask {b}x{h}x{t}x{d}", "F.scaled_dot_product_attention(q, k, v, attn_mask=m)", head, "qkv")
        both(f"sdpa_fmask {b}x{h}x{t}x{d}", "F.scaled_dot_product_attention(q, k, v, attn_mask=f)", head, "qkv")
        both(f"mha {b}x{t}x{h * d}", f"a(x, x, x, need_weights=False)[0]", f"x = tensor({b}, {t}, {h * d}); a = lib.nn.MultiheadAttention({h * d}, {h}, batch_first=True)\n")
    for kind in ("LSTM", "GRU", "RNN"):
        for b, t, i, h in [(1, 1, 8, 16), (16, 32, 64, 64), (4, 10, 8, 16), (64, 50, 128, 256)]:
            both(f"{kind} {b}x{t}x{i}x{h}", "a(x)[0]", f"x = tensor({t}, {b}, {i}); a = lib.nn.{kind}({i}, {h})\n")
        both(f"{kind} 2 layers", "a(x)[0]", f"x = tensor(20, 16, 32); a = lib.nn.{kind}(32, 64, 2)\n")
        both(f"{kind} bidirectional", "a(x)[0]", f"x = tensor(20, 16, 32); a = lib.nn.{kind}(32, 64, bidirectional=True)\n")
    both("TransformerEncoderLayer", "a(x)", "x = tensor(8, 32, 64); a = lib.nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)\n")
    for n, d, rows in [(1000, 64, 256), (50000, 128, 4096), (100, 16, 32)]:
        head = f"x = tensor({n}, {d}); i = lib.from_numpy(np.random.default_rng(2).integers(0, {n}, {rows}))\n"
        both(f"embedding {n}x{d} {rows}", "F.embedding(i, x)", head)
        both(f"embedding_bag {n}x{d} {rows}", f"F.embedding_bag(i.view(-1, 16), x, mode='sum')", head)
    for name, options in {"SGD": "lr=1e-3", "SGDm": "lr=1e-3, momentum=0.9", "Adam": "lr=1e-3", "AdamW": "lr=1e-3", "RMSprop": "lr=1e-3", "Adagrad": "lr=1e-3",
                          "Adadelta": "lr=1e-3", "Adamax": "lr=1e-3", "NAdam": "lr=1e-3", "RAdam": "lr=1e-3", "ASGD": "lr=1e-3", "Rprop": "lr=1e-3"}.items():
        for shape in ((64, 64), (1000, 1000)):
            row(f"step_{name} {shape}", "o.step()", f"p = lib.nn.Parameter(tensor(*{shape})); p.grad = tensor(*{shape}, seed=1)\n"
                f"o = lib.optim.{name.rstrip('m') if name == 'SGDm' else name}([p], {options})\n")
    row("clip_grad_norm", "lib.nn.utils.clip_grad_norm_([p], 1.0)", "p = lib.nn.Parameter(tensor(1000, 1000)); p.grad = tensor(1000, 1000)\n")


def fill():
    for part in (elementwise, reductions, indexing, products, layers):
        part()
    return ROWS


def main():
    from run import Library, environment
    if any(name in os.environ for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")):
        os.execve(sys.executable, [sys.executable, *sys.argv], environment(1))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="parts of names, comma separated")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.01, help="of a library's turn")
    parser.add_argument("--below", type=float, default=float("inf"), help="show ratios below this only")
    options = parser.parse_args()
    parts = options.only.split(",")
    names = [name for name in fill() if any(part in name for part in parts)]
    libraries = [Library(name, options.threads) for name in ("wengert", "torch")]
    results = []
    for name in names:
        least, skip = {}, ""
        for library in libraries:
            answer = library.ask("prepare_sweep", name=name)
            skip = skip or ("" if "values" in answer else f"{library.name}: {answer['skip']}")
        for _ in range(0 if skip else options.rounds):
            for library in libraries:
                ns = library.ask("time", seconds=options.seconds).get("ns", float("nan"))
                least[library.name] = min(ns, least.get(library.name, ns))
        if skip:
            print(f"{name:40} {skip}", flush=True)
        else:
            results.append((least["torch"] / least["wengert"], name, least["wengert"] / 1e3, least["torch"] / 1e3))
    print(f"{'operation':40}{'wengert':>12}{'torch':>12}{'ratio':>8}   (us)")
    for ratio, name, ours, theirs in sorted(results):
        if ratio < options.below:
            print(f"{name:40}{ours:12.2f}{theirs:12.2f}{ratio:8.2f}")
    for library in libraries:
        library.close()


if __name__ == "__main__":
    main()
