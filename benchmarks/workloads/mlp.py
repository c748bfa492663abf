"""Multi-layer perceptrons of the sizes that people train on a CPU."""
from .registry import fill, integers, normal, workload


@workload("mlp_tanh", "MLP 64x8-64-64-4 tanh, MSE, Adam", goal=11)
def mlp_tanh(lib):
    nn = lib.nn
    model = fill(lib, nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4)))
    x, y = lib.from_numpy(normal(64, 8, seed=1)), lib.from_numpy(normal(64, 4, seed=2))
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.MSELoss()

    def step():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    return step


@workload("mlp_relu", "MLP 64x100-100-10 ReLU, sum MSE, SGD", goal=5.5)
def mlp_relu(lib):
    nn = lib.nn
    model = fill(lib, nn.Sequential(nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10)))
    x, y = lib.from_numpy(normal(64, 100, seed=1)), lib.from_numpy(normal(64, 10, seed=2))
    optimizer = lib.optim.SGD(model.parameters(), lr=1e-4)
    criterion = nn.MSELoss(reduction="sum")

    def step():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    return step


@workload("mm_clamp", "64x1000-100-10 mm/clamp/mm, manual .data", goal=2.5)
def mm_clamp(lib):
    x, y = lib.from_numpy(normal(64, 1000, seed=1)), lib.from_numpy(normal(64, 10, seed=2))
    w1 = lib.from_numpy(normal(1000, 100, seed=3)).requires_grad_()
    w2 = lib.from_numpy(normal(100, 10, seed=4)).requires_grad_()

    def step():
        y_pred = x.mm(w1).clamp(min=0).mm(w2)
        loss = (y_pred - y).pow(2).sum()
        if w1.grad is not None:
            w1.grad.data.zero_()
        if w2.grad is not None:
            w2.grad.data.zero_()
        loss.backward()
        w1.data -= 1e-6 * w1.grad.data
        w2.data -= 1e-6 * w2.grad.data
        return loss
    return step


@workload("mlp_mnist", "MLP 128x784-512-512-10, cross entropy, Adam", goal=2.4)
def mlp_mnist(lib):
    nn = lib.nn
    model = fill(lib, nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)))
    x, y = lib.from_numpy(normal(128, 784, seed=1)), lib.from_numpy(integers(10, 128, seed=2))
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    return step
