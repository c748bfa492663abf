"""Programs of other kinds: library layers, reinforcement learning, Jacobians, physics, embeddings."""
from .registry import fill, initial, integers, normal, workload


def trainer(lib, model, criterion, x, y, optimizer):
    def step():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    return step


@workload("mlp_float64", "MLP 64x8-64-64-4 tanh, float64, RMSprop", tolerance=1e-10)
def mlp_float64(lib):
    nn = lib.nn
    model = fill(lib, nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4)).double())
    x, y = lib.from_numpy(normal(64, 8, seed=1)).double(), lib.from_numpy(normal(64, 4, seed=2)).double()
    return trainer(lib, model, nn.MSELoss(), x, y, lib.optim.RMSprop(model.parameters(), lr=1e-3))


@workload("batch_norm", "64x32-128-128-10 batch norm, SGD momentum")
def batch_norm(lib):
    nn = lib.nn
    model = fill(lib, nn.Sequential(nn.Linear(32, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 128), nn.BatchNorm1d(128),
                                    nn.ReLU(), nn.Linear(128, 10)))
    x, y = lib.from_numpy(normal(64, 32, seed=1)), lib.from_numpy(integers(10, 64, seed=2))
    return trainer(lib, model, nn.CrossEntropyLoss(), x, y, lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.9))


@workload("nn_lstm", "nn.LSTM 2 layers, 32 steps, batch 16, hidden 64, Adam")
def nn_lstm(lib):
    nn = lib.nn
    model = fill(lib, nn.LSTM(32, 64, num_layers=2))
    x, y = lib.from_numpy(normal(32, 16, 32, seed=1)), lib.from_numpy(normal(32, 16, 64, seed=2))
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        out, _ = model(x)
        loss = ((out - y) ** 2).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss
    return step


@workload("gru_cell", "nn.GRUCell, 32 steps, batch 16, hidden 64, Adam")
def gru_cell(lib):
    nn = lib.nn
    cell = fill(lib, nn.GRUCell(32, 64))
    x = lib.from_numpy(normal(32, 16, 32, seed=1))
    optimizer = lib.optim.Adam(cell.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        h = lib.zeros(16, 64)
        for t in range(32):
            h = cell(x[t], h)
        loss = (h * h).mean()
        loss.backward()
        optimizer.step()
        return loss
    return step


@workload("encoder", "nn.TransformerEncoderLayer 8x32x64, padding mask, Adam")
def encoder(lib):
    nn = lib.nn
    model = fill(lib, nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True))
    x, y = lib.from_numpy(normal(8, 32, 64, seed=1)), lib.from_numpy(normal(8, 32, 64, seed=2))
    mask = lib.from_numpy(integers(4, 8, 32, seed=3) == 0)
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x, src_key_padding_mask=mask), y)
        loss.backward()
        optimizer.step()
        return loss
    return step


@workload("embedding", "embedding 10000x32, bags of 20 words, Adagrad")
def embedding(lib):
    nn = lib.nn
    model = fill(lib, nn.ModuleList([nn.Embedding(10000, 32), nn.Linear(32, 5)]))
    words, labels = lib.from_numpy(integers(10000, 64, 20, seed=1)), lib.from_numpy(integers(5, 64, seed=2))
    optimizer = lib.optim.Adagrad(model.parameters(), lr=0.01)

    def step():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model[1](model[0](words).mean(1)), labels)
        loss.backward()
        optimizer.step()
        return loss
    return step


@workload("reinforce", "policy gradient: 32 one-row choices, one update")
def reinforce(lib):
    nn = lib.nn
    policy = fill(lib, nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2)))
    optimizer = lib.optim.Adam(policy.parameters(), lr=1e-2)
    noise = normal(32, 4, seed=1).tolist()

    def step():
        state, states, actions, rewards = [0.1, 0.0, -0.1, 0.0], [], [], []
        for t in range(32):
            with lib.no_grad():
                logits = policy(lib.tensor(state).unsqueeze(0))[0]
                action = int(logits.argmax())
            states.append(state)
            actions.append(action)
            state = [0.9 * s + 0.1 * (2 * action - 1) * n for s, n in zip(state, noise[t])]
            rewards.append(1.0 - abs(state[0]))
        returns, total = [], 0.0
        for reward in reversed(rewards):
            total = reward + 0.99 * total
            returns.insert(0, total)
        advantage = lib.tensor(returns)
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
        log_p = lib.log_softmax(policy(lib.tensor(states)), dim=1)
        loss = -(log_p.gather(1, lib.tensor(actions).unsqueeze(1)).squeeze(1) * advantage).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss + sum(actions)
    return step


@workload("jacobian", "Jacobian 20x20 of a tanh layer, a backward a row")
def jacobian(lib):
    w = lib.from_numpy(initial([(20, 20)])[0])
    x = lib.from_numpy(normal(20, seed=1)).requires_grad_()

    def step():
        y = lib.tanh(w @ x)
        rows = []
        for i in range(20):
            x.grad = None
            y[i].backward(retain_graph=True)
            rows.append(x.grad)
        return lib.stack(rows).sum()
    return step


@workload("pinn", "physics-informed MLP, u'' by double backward, Adam")
def pinn(lib):
    nn = lib.nn
    model = fill(lib, nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)))
    x = lib.linspace(0, 1, 64).unsqueeze(1).requires_grad_()
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        u = model(x)
        du, = lib.autograd.grad(u.sum(), x, create_graph=True)
        ddu, = lib.autograd.grad(du.sum(), x, create_graph=True)
        loss = ((ddu + u) ** 2).mean() + (u[0] - 1.0).pow(2).sum()
        loss.backward()
        optimizer.step()
        return loss
    return step


@workload("indexing", "indexing and Python scalars: a loop over rows")
def indexing(lib):
    table = lib.from_numpy(normal(50, 8, seed=1)).requires_grad_()
    order = integers(50, 40, seed=2).tolist()

    def step():
        table.grad = None
        total = lib.zeros(())
        for i, j in zip(order, order[1:]):
            row = table[i]
            total = total + row[j % 8] * 0.5 + (row[2:5] * table[j, 1:4]).sum()
        picked = table[lib.tensor(order)]
        loss = total + picked[picked > 0].sum()
        loss.backward()
        return loss + float(table.grad[order[0], 0])
    return step


@workload("tiny_graphs", "100 independent graphs of 5 scalar ops")
def tiny_graphs(lib):
    w = lib.tensor(0.5, requires_grad=True)

    def step():
        total = 0.0
        w.grad = None
        for i in range(100):
            loss = (w * i - 1.0) ** 2 / 100
            loss.backward()
            total += loss.item()
        return w.grad + total
    return step
