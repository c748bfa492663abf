"""Small models and loops of other sizes, depths and types than the table's: what costs is again the way to each operation."""
from .registry import fill, initial, integers, normal, workload


@workload("deep_mlp", "MLP 8x16, 20 layers of 16, ELU, AdamW")
def deep_mlp(lib):
    nn = lib.nn
    layers = [part for _ in range(20) for part in (nn.Linear(16, 16), nn.ELU())]
    model = fill(lib, nn.Sequential(*layers, nn.Linear(16, 1)))
    x, y = lib.from_numpy(normal(8, 16, seed=1)), lib.from_numpy(normal(8, 1, seed=2))
    optimizer = lib.optim.AdamW(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    return step


@workload("one_row", "training on single rows, 4-16-1, 20 rows, plain SGD")
def one_row(lib):
    nn = lib.nn
    model = fill(lib, nn.Sequential(nn.Linear(4, 16), nn.Sigmoid(), nn.Linear(16, 1)))
    rows, targets = lib.from_numpy(normal(20, 4, seed=1)), lib.from_numpy(normal(20, 1, seed=2))
    optimizer = lib.optim.SGD(model.parameters(), lr=1e-2)

    def step():
        total = 0.0
        for x, y in zip(rows, targets):
            optimizer.zero_grad()
            loss = ((model(x) - y) ** 2).sum()
            loss.backward()
            optimizer.step()
            total += loss.item()
        return lib.tensor(total)
    return step


@workload("dqn", "Q-learning: 8 one-row choices, one batch of 32, target network")
def dqn(lib):
    nn, F = lib.nn, lib.nn.functional
    q, target = (fill(lib, nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))) for _ in range(2))
    optimizer = lib.optim.Adam(q.parameters(), lr=1e-3)
    states = normal(64, 4, seed=1).tolist()
    batch, after = lib.from_numpy(normal(32, 4, seed=2)), lib.from_numpy(normal(32, 4, seed=3))
    actions, rewards = lib.from_numpy(integers(2, 32, seed=4)), lib.from_numpy(normal(32, seed=5))
    done = lib.from_numpy(integers(2, 32, seed=6)).float()

    def step():
        chosen = 0
        for state in states[:8]:
            with lib.no_grad():
                chosen += q(lib.tensor(state)).argmax().item()
        with lib.no_grad():
            aim = rewards + 0.99 * (1 - done) * target(after).max(1)[0]
        value = q(batch).gather(1, actions.unsqueeze(1)).squeeze(1)
        loss = F.smooth_l1_loss(value, aim)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(q.parameters(), 10.0)
        optimizer.step()
        with lib.no_grad():
            for p, t in zip(q.parameters(), target.parameters()):
                t.mul_(0.995).add_(0.005 * p)
        return loss + chosen * 0
    return step


@workload("ode", "Runge-Kutta, 50 steps of a pendulum, float64", tolerance=1e-10)
def ode(lib):
    length = lib.tensor(1.3, dtype=lib.float64, requires_grad=True)
    start = lib.tensor([0.5, 0.0], dtype=lib.float64)

    def slope(s):
        return lib.stack([s[1], -9.81 / length * lib.sin(s[0])])

    def step():
        length.grad = None
        s, h = start, 0.02
        for _ in range(50):
            k1 = slope(s)
            k2 = slope(s + 0.5 * h * k1)
            k3 = slope(s + 0.5 * h * k2)
            k4 = slope(s + h * k3)
            s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        loss = (s ** 2).sum()
        loss.backward()
        return loss + length.grad
    return step


@workload("scalar_net", "a network of 0-d float32 tensors, 3-4-1, 4 rows")
def scalar_net(lib):
    hidden = [[lib.tensor(v, requires_grad=True) for v in row] for row in normal(4, 4, seed=1).tolist()]
    last = [lib.tensor(v, requires_grad=True) for v in normal(5, seed=2).tolist()]
    rows, aims = normal(4, 3, seed=3).tolist(), [1.0, -1.0, -1.0, 1.0]
    parameters = [p for row in hidden for p in row] + last

    def step():
        loss = 0
        for row, aim in zip(rows, aims):
            h = [(sum(w * v for w, v in zip(unit, row)) + unit[3]).tanh() for unit in hidden]
            out = sum(w * v for w, v in zip(last, h)) + last[4]
            loss = loss + (out - aim) ** 2
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            p.data -= 0.05 * p.grad
        return loss
    return step


@workload("maml", "gradient through 3 inner steps, 1-40-40-1, 4 tasks")
def maml(lib):
    params = [lib.from_numpy(a).requires_grad_() for a in initial([(1, 40), (40,), (40, 40), (40,), (40, 1), (1,)])]
    optimizer = lib.optim.Adam(params, lr=1e-3)
    x = lib.from_numpy(normal(4, 10, 1, seed=1))

    def net(p, x):
        return lib.relu(lib.relu(x @ p[0] + p[1]) @ p[2] + p[3]) @ p[4] + p[5]

    def step():
        optimizer.zero_grad()
        total = 0
        for task in range(4):
            aim, fast = lib.sin(x[task] + task), params
            for _ in range(3):
                loss = ((net(fast, x[task]) - aim) ** 2).mean()
                fast = [p - 0.01 * g for p, g in zip(fast, lib.autograd.grad(loss, fast, create_graph=True))]
            total = total + ((net(fast, x[task]) - aim) ** 2).mean()
        total.backward()
        optimizer.step()
        return total
    return step


@workload("variational", "mean-field inference of a regression, 10 samples")
def variational(lib):
    mean, spread = (lib.zeros(5, requires_grad=True) for _ in range(2))
    optimizer = lib.optim.Adam([mean, spread], lr=0.01)
    x, y = lib.from_numpy(normal(50, 5, seed=1)), lib.from_numpy(normal(50, seed=2))
    noise = lib.from_numpy(normal(10, 5, seed=3))

    def step():
        optimizer.zero_grad()
        loss = 0
        for e in noise:
            w = mean + lib.exp(spread) * e
            loss = loss + 0.5 * ((x @ w - y) ** 2).sum() + 0.5 * (w ** 2).sum() - spread.sum()
        loss = loss / 10
        loss.backward()
        optimizer.step()
        return loss
    return step


@workload("accumulation", "gradients of 8 micro-batches, 32-64-10 float64, NAdam", tolerance=1e-9)
def accumulation(lib):
    nn = lib.nn
    model = fill(lib, nn.Sequential(nn.Linear(32, 64), nn.SiLU(), nn.Linear(64, 10))).double()
    x, y = lib.from_numpy(normal(8, 16, 32, seed=1)).double(), lib.from_numpy(integers(10, 8, 16, seed=2))
    optimizer = lib.optim.NAdam(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad(set_to_none=False)
        total = 0.0
        for i in range(8):
            loss = nn.functional.cross_entropy(model(x[i]), y[i]) / 8
            loss.backward()
            total = total + loss.detach()
        optimizer.step()
        return total
    return step
