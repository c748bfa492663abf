"""The number of threads changes no bit of any result, and a fork after threaded work is safe.

Sizes lie well above the threshold below which a loop is not shared, so that helpers take part; csrc/kernels/ have tests of
their own for products and for the pool.
"""
import multiprocessing
import os

import numpy as np
import pytest

import wengert as wg
import wengert.nn.functional as F

COUNTS = (2, 3, 4)


@pytest.fixture(autouse=True)
def threads_as_before():
    before = wg.get_num_threads()
    yield
    wg.set_num_threads(before)


def draw(*shape, dtype=wg.float32, seed=0):
    return wg.from_numpy(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


def indices(high, *shape, seed=1):
    return wg.from_numpy(np.random.default_rng(seed).integers(0, high, shape))


def gradients(f, *leaves):
    """A function that returns f(leaves) and its gradients for a fixed cotangent."""
    def run():
        xs = [leaf.detach().clone().requires_grad_() for leaf in leaves]
        y = f(*xs)
        g = wg.linspace(-1, 2, max(y.numel(), 2), dtype=y.dtype)[: y.numel()].reshape(y.shape)
        return [y.detach(), *wg.autograd.grad(y, xs, g)]
    return run


def forward(f, *args):
    def run():
        y = f(*args)
        return list(y) if isinstance(y, tuple) else [y]
    return run


def optimizer(name, **options):
    def run():
        p = [wg.nn.Parameter(draw(400, 500)), wg.nn.Parameter(draw(3)), wg.nn.Parameter(draw(300, 70, dtype=wg.float64))]
        o = getattr(wg.optim, name)(p, lr=1e-2, **options)
        for step in range(3):
            for i, x in enumerate(p):
                x.grad = draw(*x.shape, dtype=x.dtype, seed=10 * step + i)
            o.step()
        return [x.detach() for x in p]
    return run


def sampled(f):
    def run():
        wg.manual_seed(5)
        return [f()]
    return run


def cases(dtype):
    x, y, w = draw(700, 300, dtype=dtype), draw(700, 300, dtype=dtype, seed=1), draw(300, dtype=dtype, seed=2)
    long, image = draw(300001, dtype=dtype), draw(8, 16, 40, 40, dtype=dtype)
    table, which = draw(500, 64, dtype=dtype), indices(500, 6000)
    spread = indices(700, 700, 300)
    q, k, v = (draw(4, 4, 96, 32, dtype=dtype, seed=s) for s in (1, 2, 3))
    causal = wg.ones(96, 96, dtype=wg.bool).tril()
    found = {
        "elementwise": gradients(lambda a, b: wg.tanh(a * b + a) * a, x, y),
        "gelu": gradients(F.gelu, x), "silu": gradients(F.silu, long), "exp": gradients(wg.exp, long), "sin": gradients(wg.sin, long),
        "broadcast": gradients(lambda a, b: a * b + b, x, w), "broadcast column": gradients(lambda a, b: a / (b.exp() + 1), x, draw(700, 1, dtype=dtype)),
        "transposed": gradients(lambda a, b: a.t() * b.t() + (a * 2).t().contiguous(), x, y), "strided": gradients(lambda a: (a[::2, 1:] * a[1::2, 1:]).exp(), x),
        "in place": forward(lambda: x.clone().mul_(y).add_(w)), "cast": forward(lambda: x.to(wg.float64).to(wg.float16).to(wg.int32)),
        "sum": gradients(lambda a: a.sum(), long), "sum 0": gradients(lambda a: a.sum(0), x), "sum 1": gradients(lambda a: a.sum(1), x),
        "sum 0 transposed": gradients(lambda a: a.t().sum(0), x), "sum of channels": gradients(lambda a: a.sum((0, 2, 3)), image),
        "mean": gradients(lambda a: a.mean(), x), "prod": gradients(lambda a: (a / 4 + 1).prod(1), x), "var": gradients(lambda a: a.var(0), x),
        "std": gradients(lambda a: a.std(), long), "norm": gradients(lambda a: a.norm(), long), "norm 1": gradients(lambda a: wg.linalg.vector_norm(a, dim=1), x),
        "logsumexp": gradients(lambda a: a.logsumexp(0), x), "amax": gradients(lambda a: a.amax(0), x), "max": forward(lambda: x.max(1)),
        "argmin": forward(lambda: long.argmin()), "any": forward(lambda: (x > 3).any(0)),
        "cumsum": gradients(lambda a: a.cumsum(0), x), "cumsum 1": gradients(lambda a: a.cumsum(1), x), "cumsum long": gradients(lambda a: a.cumsum(0), long),
        "cumprod": gradients(lambda a: (a / 4 + 1).cumprod(1), x), "logcumsumexp": gradients(lambda a: a.logcumsumexp(1), x),
        "softmax": gradients(lambda a: a.softmax(1), x), "softmax 0": gradients(lambda a: a.softmax(0), x), "log_softmax": gradients(lambda a: a.log_softmax(1), x),
        "log_softmax 0": gradients(lambda a: a.log_softmax(0), x), "layer_norm": gradients(lambda a, b: F.layer_norm(a, (300,), b, b), x, w),
        "rms_norm": gradients(lambda a, b: F.rms_norm(a, (300,), b), x, w), "group_norm": gradients(lambda a: F.group_norm(a, 4), image),
        "batch_norm": gradients(lambda a, b: F.batch_norm(a, None, None, b, b, True), x, w),
        "batch_norm of images": gradients(lambda a, b: F.batch_norm(a, None, None, b, b, True), image, w[:16]),
        "cross_entropy": gradients(lambda a: F.cross_entropy(a, indices(300, 700)), x),
        "cross_entropy smoothed": gradients(lambda a: F.cross_entropy(a, indices(300, 700), weight=w.abs(), label_smoothing=0.1), x),
        "nll_loss": gradients(lambda a: F.nll_loss(a, indices(300, 700)), x), "mse_loss": gradients(F.mse_loss, x, y), "l1_loss": gradients(F.l1_loss, x, y),
        "bce": gradients(lambda a: F.binary_cross_entropy_with_logits(a, y.sigmoid()), x),
        "embedding": gradients(lambda a: F.embedding(which, a), table), "index_select": gradients(lambda a: a.index_select(0, which), table),
        "index_add": gradients(lambda a, b: a.index_add(0, which, b), table, draw(6000, 64, dtype=dtype)),
        "gather": gradients(lambda a: a.gather(0, spread), x), "scatter_add": gradients(lambda a, b: a.scatter_add(0, spread, b), x, y),
        "scatter_add 1": gradients(lambda a, b: a.scatter_add(1, spread % 300, b), x, y), "index": gradients(lambda a: a[which % 500, which % 64], table),
        "index_put": forward(lambda: table.clone().index_put_((which,), draw(6000, 64, dtype=dtype), accumulate=True)),
        "masked_fill": gradients(lambda a: a.masked_fill(y > 0, 2), x), "where": gradients(lambda a, b: wg.where(a > b, a, b), x, y),
        "cat": gradients(lambda a, b: wg.cat([a, b], 1), x, y), "pad": gradients(lambda a: F.pad(a, (1, 2, 3, 4)), x), "flip": gradients(lambda a: a.flip(1), x),
        "sort": forward(lambda: x.sort(1)), "topk": forward(lambda: x.topk(7, 0)), "median": forward(lambda: x.median(1)),
        "mm": gradients(lambda a, b: a @ b.t(), x, y), "mv": gradients(lambda a, b: a @ b, x, w), "dot": gradients(wg.dot, long, long.flip(0)),
        "bmm": gradients(lambda a, b: a @ b.transpose(-1, -2), q, k), "linear": gradients(F.linear, x, draw(257, 300, dtype=dtype), draw(257, dtype=dtype)),
        "attention": gradients(lambda a, b, c: F.scaled_dot_product_attention(a, b, c, attn_mask=causal), q, k, v),
        "attention causal": gradients(lambda a, b, c: F.scaled_dot_product_attention(a, b, c, is_causal=True), q, k, v),
        "randn": sampled(lambda: wg.randn(300, 500, dtype=dtype)), "rand": sampled(lambda: wg.rand(300, 500, dtype=dtype)),
        "dropout": sampled(lambda: F.dropout(x, 0.4)),
    }
    for m, k, n in [(512, 784, 128), (300, 700, 300), (512, 512, 512), (300, 129, 700), (5, 5000, 5000)]:
        found[f"mm {m}x{n}x{k}"] = gradients(lambda a, b: a @ b, draw(m, k, dtype=dtype), draw(k, n, dtype=dtype, seed=1))
    return found


OPTIMIZERS = {"SGD": {}, "SGD with momentum": {"momentum": 0.9, "nesterov": True}, "Adam": {}, "Adam, amsgrad": {"amsgrad": True}, "AdamW": {}, "RMSprop": {},
              "Adagrad": {}, "Adadelta": {}, "Adamax": {}, "NAdam": {}, "RAdam": {}, "ASGD": {}, "Rprop": {}}
CASES = {(str(dtype).rpartition(".")[2], name): run for dtype in (wg.float32, wg.float64) for name, run in cases(dtype).items()}
CASES |= {("optim", name): optimizer(name.split(",")[0].split()[0], **options) for name, options in OPTIMIZERS.items()}


def bits(results):
    return [y.contiguous().numpy().tobytes() for y in results]


@pytest.mark.parametrize("name", CASES, ids=" ".join)
def test_bits(name):
    wg.set_num_threads(1)
    expected = bits(CASES[name]())
    assert all(expected)
    for count in COUNTS:
        wg.set_num_threads(count)
        assert bits(CASES[name]()) == expected, count


def train():
    """Some threaded steps; the bytes of the parameters behind them."""
    wg.manual_seed(0)
    model = wg.nn.Sequential(wg.nn.Linear(200, 300), wg.nn.GELU(), wg.nn.LayerNorm(300), wg.nn.Linear(300, 10))
    o = wg.optim.Adam(model.parameters(), lr=1e-3)
    x, t = draw(256, 200), indices(10, 256)
    for _ in range(3):
        o.zero_grad()
        F.cross_entropy(model(x), t).backward()
        o.step()
    return bits(p.detach() for p in model.parameters())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_children_train_with_threads_of_their_own():
    wg.set_num_threads(3)
    expected = train()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = [pool.apply_async(train) for _ in range(4)]
        assert [r.get(timeout=60) for r in results] == [expected] * 4
    assert train() == expected
