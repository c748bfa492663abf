"""A steady loop asks the system for no memory: after a few rounds everything comes from the core's own pools."""
import numpy as np
import pytest

import wengert as torch
from wengert import _core, nn
from wengert.nn import functional as F

PROGRAMS = {}


def program(make):
    PROGRAMS[make.__name__] = make
    return make


def trainer(model, optimizer, loss_of):
    def step():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss
    return step


@program
def scalars():
    x, y = torch.tensor(0.7, dtype=torch.float64, requires_grad=True), torch.tensor(0.3, dtype=torch.float64, requires_grad=True)

    def step():
        x.grad = y.grad = None
        z = x
        for _ in range(50):
            z = torch.cos(z * x) * 0.9 + y
        z.backward()
    return step


@program
def chain():
    x, w = torch.randn(16, requires_grad=True), torch.randn(16)

    def step():
        h = x
        for _ in range(300):
            h = h * w + w
        h.sum().backward()
    return step


@program
def wide_graph():
    x = torch.randn(16, requires_grad=True)

    def step():
        sum(torch.tanh(x * float(i)).sum() for i in range(2000)).backward()
    return step


@program
def mlp_adam():
    model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 4))
    x, y = torch.randn(64, 8), torch.randint(0, 4, (64,))
    return trainer(model, torch.optim.Adam(model.parameters()), lambda: F.cross_entropy(model(x), y))


@program
def minibatches_of_numpy():
    model = nn.Sequential(nn.Linear(8, 64), nn.BatchNorm1d(64), nn.GELU(), nn.Linear(64, 1))
    data = np.random.default_rng(0).standard_normal((256, 8)).astype(np.float32)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step():
        for i in range(0, 256, 64):
            x = torch.from_numpy(data[i:i + 64])
            optimizer.zero_grad()
            F.mse_loss(model(x).squeeze(1), x.sum(1)).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return step


@program
def lstm_by_hand():
    wx, wh, b = (torch.randn(*shape).mul_(0.1).requires_grad_() for shape in ((16, 64), (16, 64), (64,)))
    x = torch.randn(20, 4, 16)

    def step():
        h = c = torch.zeros(4, 16)
        for t in range(20):
            i, f, g, o = (x[t] @ wx + h @ wh + b).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        h.mean().backward()
    return step


@program
def recurrent_layer():
    model = nn.GRU(8, 16, num_layers=2)
    x = torch.randn(12, 4, 8)
    return trainer(model, torch.optim.RMSprop(model.parameters()), lambda: model(x)[0].pow(2).mean())


@program
def attention():
    model = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
    x = torch.randn(4, 10, 32)
    return trainer(model, torch.optim.AdamW(model.parameters()), lambda: model(x).pow(2).mean())


@program
def embeddings():
    model = nn.ModuleList([nn.Embedding(1000, 32), nn.Linear(32, 5)])
    words, labels = torch.randint(0, 1000, (64, 20)), torch.randint(0, 5, (64,))
    return trainer(model, torch.optim.Adagrad(model.parameters()), lambda: F.cross_entropy(model[1](model[0](words).mean(1)), labels))


@program
def reinforcement():
    policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(policy.parameters())

    def step():
        states, actions = [], []
        for t in range(16):
            state = [0.1 * t, 0.0, -0.1, 1.0]
            with torch.no_grad():
                actions.append(int(policy(torch.tensor(state).unsqueeze(0))[0].argmax()))
            states.append(state)
        log_p = torch.log_softmax(policy(torch.tensor(states)), dim=1)
        optimizer.zero_grad()
        (-log_p.gather(1, torch.tensor(actions).unsqueeze(1)).sum()).backward()
        optimizer.step()
    return step


@program
def jacobian():
    w, x = torch.randn(20, 20), torch.randn(20, requires_grad=True)

    def step():
        y = torch.tanh(w @ x)
        for i in range(20):
            x.grad = None
            y[i].backward(retain_graph=True)
    return step


@program
def second_derivatives():
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    x = torch.linspace(0, 1, 32).unsqueeze(1).requires_grad_()

    def loss():
        u = model(x)
        du, = torch.autograd.grad(u.sum(), x, create_graph=True)
        ddu, = torch.autograd.grad(du.sum(), x, create_graph=True)
        return ((ddu + u) ** 2).mean()
    return trainer(model, torch.optim.Adam(model.parameters()), loss)


@program
def indexing():
    table = torch.randn(50, 8, requires_grad=True)

    def step():
        total = torch.zeros(())
        for i in range(49):
            total = total + table[i][i % 8] * 0.5 + (table[i, 2:5] * table[i + 1, 1:4]).sum()
        first, *rest = table.unbind(0)
        a, b = table.split(4, dim=1)
        (total + torch.stack(rest).sum() * first.sum() + torch.cat([a, b, a]).sum() + table[table > 0].sum()).backward()
    return step


@program
def writes_in_place():
    w = torch.randn(8, 8, requires_grad=True)

    def step():
        y = w * 2
        y[1:3] = w[0] * 3
        y.t().mul_(2)
        y += w
        y.sum().backward()
        with torch.no_grad():
            w.sub_(w.grad, alpha=1e-3)
            w.grad.zero_()
    return step


@program
def hooks_and_functions():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    w = torch.randn(8, requires_grad=True)

    def step():
        y = Double.apply(w)
        y.register_hook(lambda g: g * 0.5)
        y.retain_grad()
        (y * y).sum().backward()
    return step


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_memory_from_the_system(name):
    torch.manual_seed(0)
    step = PROGRAMS[name]()
    for _ in range(4):
        step()
    before = _core.memory_stats()["system_allocations"]
    for _ in range(12):
        step()
    assert _core.memory_stats()["system_allocations"] == before


def test_what_grows_is_counted():
    """The counter notices the pool, the tape and the handles growing."""
    def allocations(make):
        before = _core.memory_stats()["system_allocations"]
        kept = make()
        return _core.memory_stats()["system_allocations"] - before, kept

    cached = [torch.empty(100_003) for _ in range(50)]         # what earlier tests have left of this size
    assert allocations(lambda: [torch.empty(100_003) for _ in range(50)])[0] >= 50
    del cached
    w = torch.ones(1, requires_grad=True)
    y, count = w, _core.memory_stats()["system_allocations"]
    kept = []
    for _ in range(20_000):
        y = y * 2
        kept.append(y)
    assert _core.memory_stats()["system_allocations"] - count >= 20_000 // 4
