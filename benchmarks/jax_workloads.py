"""The training steps in jax: pure functions, compiled whole, on the same data and initial values.

Each entry of WORKLOADS returns `step` as the functions in workloads/ do. Parameters are donated, losses stay on the
device; `wait` waits for the last one.
"""
import os

WORKLOADS = {}
jax = jnp = None


def start(threads):
    """Imports jax with the given number of threads (XLA takes as many as the process may run on at its start)."""
    global jax, jnp
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if threads == 1:
        os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
    if allowed:
        os.sched_setaffinity(0, set(sorted(allowed)[:threads]))
    import jax
    import jax.numpy as jnp
    jnp.zeros(3).block_until_ready()
    if allowed:
        os.sched_setaffinity(0, allowed)
    return jax.__version__


def wait(loss):
    jax.block_until_ready(loss)


def workload(make):
    WORKLOADS[make.__name__] = make
    return make


def trainer(loss_fn, params, update, *data):
    """step() for a loss of (params, *data) and an update of (params, grads, state)."""
    state = update.start(params)
    data = [jnp.asarray(d) for d in data]

    def whole(params, state, *data):
        loss, grads = jax.value_and_grad(loss_fn)(params, *data)
        params, state = update(params, grads, state)
        return params, state, loss
    compiled = jax.jit(whole, donate_argnums=(0, 1))

    def step():
        nonlocal params, state
        params, state, loss = compiled(params, state, *data)
        return loss
    return step


class SGD:
    def __init__(self, lr):
        self.lr = lr

    def start(self, params):
        return ()

    def __call__(self, params, grads, state):
        return jax.tree.map(lambda p, g: p - self.lr * g, params, grads), state


class Adam:
    def __init__(self, lr, betas=(0.9, 0.999), decay=0.0):
        self.lr, self.betas, self.decay = lr, betas, decay

    def start(self, params):
        return jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params), jnp.zeros(())

    def __call__(self, params, grads, state):
        m, v, t = state
        b1, b2 = self.betas
        t = t + 1
        m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, grads)
        v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, grads)
        size, scale = self.lr / (1 - b1 ** t), 1 / jnp.sqrt(1 - b2 ** t)
        params = jax.tree.map(lambda p, m, v: p * (1 - self.lr * self.decay) - size * m / (jnp.sqrt(v) * scale + 1e-8), params, m, v)
        return params, (m, v, t)


def parameters(*shapes):
    from workloads.registry import initial
    return [jnp.asarray(a) for a in initial(shapes)]


def layers(*sizes):
    return parameters(*(shape for i, o in zip(sizes, sizes[1:]) for shape in ((o, i), (o,))))


def mlp(activation):
    def apply(params, x):
        for i in range(0, len(params), 2):
            x = x @ params[i].T + params[i + 1]
            if i + 2 < len(params):
                x = activation(x)
        return x
    return apply


def cross_entropy(logits, targets):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], -1).mean()


@workload
def elementwise():
    from workloads.registry import normal
    x, w, b = (jnp.asarray(a) for a in (normal(16, seed=1), 1.0 + 0.01 * normal(16, seed=2), normal(16, seed=3, scale=0.01)))

    def loss(x, w, b):
        for _ in range(100):
            x = x * w
            x = x + b
        return x.sum()
    compiled = jax.jit(jax.value_and_grad(loss))
    return lambda: compiled(x, w, b)[0]


@workload
def thermometer():
    from workloads.tiny import CELSIUS, READING
    return trainer(lambda p, u, c: ((p[0] * u + p[1] - c) ** 2).mean(), jnp.array([1.0, 0.0]), SGD(1e-2),
                   0.1 * jnp.array(READING), jnp.array(CELSIUS))


@workload
def mlp_tanh():
    from workloads.registry import normal
    model = mlp(jnp.tanh)
    return trainer(lambda p, x, y: ((model(p, x) - y) ** 2).mean(), layers(8, 64, 64, 4), Adam(1e-3),
                   normal(64, 8, seed=1), normal(64, 4, seed=2))


@workload
def mlp_relu():
    from workloads.registry import normal
    model = mlp(jax.nn.relu)
    return trainer(lambda p, x, y: ((model(p, x) - y) ** 2).sum(), layers(100, 100, 10), SGD(1e-4),
                   normal(64, 100, seed=1), normal(64, 10, seed=2))


@workload
def mm_clamp():
    from workloads.registry import normal
    params = [jnp.asarray(normal(1000, 100, seed=3)), jnp.asarray(normal(100, 10, seed=4))]
    return trainer(lambda p, x, y: ((jnp.maximum(x @ p[0], 0) @ p[1] - y) ** 2).sum(), params, SGD(1e-6),
                   normal(64, 1000, seed=1), normal(64, 10, seed=2))


@workload
def mlp_mnist():
    from workloads.registry import integers, normal
    model = mlp(jax.nn.relu)
    return trainer(lambda p, x, y: cross_entropy(model(p, x), y), layers(784, 512, 512, 10), Adam(1e-3),
                   normal(128, 784, seed=1), integers(10, 128, seed=2))


@workload
def lstm():
    from workloads.recurrent import BATCH, HIDDEN, STEPS
    from workloads.registry import normal

    def loss(params, x):
        wx, wh, b = params

        def cell(carry, x):
            h, c = carry
            i, f, g, o = jnp.split(x @ wx + h @ wh + b, 4, 1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None
        start = jnp.zeros((BATCH, HIDDEN))
        (h, _), _ = jax.lax.scan(cell, (start, start), x)
        return ((h - 1.0) ** 2).mean()
    return trainer(loss, parameters((HIDDEN, 4 * HIDDEN), (HIDDEN, 4 * HIDDEN), (4 * HIDDEN,)), SGD(0.1),
                   normal(STEPS, BATCH, HIDDEN, seed=1))


@workload
def cnn():
    from workloads.registry import integers, normal

    def pool(x):
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def loss(params, x, y):
        w1, b1, w2, b2, w3, b3 = params
        x = pool(jax.nn.relu(jax.lax.conv(x, w1, (1, 1), "SAME") + b1[:, None, None]))
        x = pool(jax.nn.relu(jax.lax.conv(x, w2, (1, 1), "SAME") + b2[:, None, None]))
        return cross_entropy(x.reshape(x.shape[0], -1) @ w3.T + b3, y)
    return trainer(loss, parameters((16, 1, 3, 3), (16,), (32, 16, 3, 3), (32,), (10, 32 * 7 * 7), (10,)), SGD(0.01),
                   normal(32, 1, 28, 28, seed=1), integers(10, 32, seed=2))


@workload
def gpt():
    from workloads.registry import integers
    from workloads.transformer import BATCH, HEADS, LAYERS, LENGTH, VOCABULARY, WIDTH
    block = [(WIDTH,), (WIDTH,), (3 * WIDTH, WIDTH), (3 * WIDTH,), (WIDTH, WIDTH), (WIDTH,), (WIDTH,), (WIDTH,),
             (4 * WIDTH, WIDTH), (4 * WIDTH,), (WIDTH, 4 * WIDTH), (WIDTH,)]
    shapes = [(VOCABULARY, WIDTH), (LENGTH, WIDTH), *block * LAYERS, (WIDTH,), (WIDTH,), (VOCABULARY, WIDTH)]

    def norm(x, w, b):
        mean = x.mean(-1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5) * w + b

    def attention(x, qkv, qkv_b, out, out_b):
        B, T, C = x.shape
        q, k, v = (z.reshape(B, T, HEADS, C // HEADS).transpose(0, 2, 1, 3) for z in jnp.split(x @ qkv.T + qkv_b, 3, 2))
        scores = q @ k.transpose(0, 1, 3, 2) * (C // HEADS) ** -0.5
        scores = jnp.where(jnp.tril(jnp.ones((T, T), bool)), scores, -jnp.inf)
        return (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(B, T, C) @ out.T + out_b

    def loss(params, ids, targets):
        tokens, positions, *rest = params
        x = tokens[ids] + positions
        for i in range(LAYERS):
            g1, b1, qkv, qkv_b, out, out_b, g2, b2, w1, c1, w2, c2 = rest[12 * i:12 * i + 12]
            x = x + attention(norm(x, g1, b1), qkv, qkv_b, out, out_b)
            x = x + jax.nn.gelu(norm(x, g2, b2) @ w1.T + c1, approximate=False) @ w2.T + c2
        g, b, head = rest[-3:]
        return cross_entropy(norm(x, g, b) @ head.T, targets)
    text = integers(VOCABULARY, BATCH, LENGTH + 1, seed=1)
    return trainer(loss, parameters(*shapes), Adam(1e-3, (0.9, 0.95), 0.1), text[:, :-1], text[:, 1:])


@workload
def big_elementwise():
    from workloads.registry import normal
    operands = [jnp.asarray(normal(4_000_000, seed=seed)) for seed in (1, 2, 3)]
    compiled = jax.jit(jax.value_and_grad(lambda a, b, c: (jnp.tanh(a * b + c) * a).sum(), argnums=(0, 1, 2)))
    return lambda: compiled(*operands)[0]


@workload
def big_mlp():
    from workloads.registry import normal
    model = mlp(lambda x: jax.nn.gelu(x, approximate=False))
    return trainer(lambda p, x, y: ((model(p, x) - y) ** 2).mean(), layers(1024, 2048, 2048, 1024), SGD(0.1),
                   normal(512, 1024, seed=1), normal(512, 1024, seed=2))


_ARRAYS = """
import numpy as np, jax, jax.numpy as jnp
def tensor(*shape, seed=0): return jnp.asarray(np.random.default_rng(seed).standard_normal(shape).astype('float32'))
x = tensor(16); w = tensor(16, seed=1)
"""
MICRO = {
    "mul": (_ARRAYS, "x * w", "(x * w).sum()"),
    "scalar_mul": (_ARRAYS, "x * 2.0", "(x * 2.0).sum()"),
    "backward": (_ARRAYS + "f = jax.jit(jax.grad(lambda w: (x * w).sum()))\n", "f(w)", "f(w).sum() * 0"),
    "linear": (_ARRAYS + "f = jax.jit(lambda w, b, x: x @ w.T + b)\nw = tensor(16, 8); b = tensor(16); x = tensor(1, 8)\n", "f(w, b, x)", "None"),
    "sgemm": (_ARRAYS + "a = tensor(512, 512); b = tensor(512, 512, seed=1)\n", "jax.block_until_ready(a @ b)", "(a @ b)[3, 5]"),
}
