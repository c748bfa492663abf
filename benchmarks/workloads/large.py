"""Work that memory and matrix products decide."""
from .registry import fill, normal, workload


@workload("big_elementwise", "tanh(a*b+c)*a summed over 4M floats", goal=1.9)
def big_elementwise(lib):
    a, b, c = (lib.from_numpy(normal(4_000_000, seed=seed)).requires_grad_() for seed in (1, 2, 3))

    def step():
        a.grad = b.grad = c.grad = None
        loss = (lib.tanh(a * b + c) * a).sum()
        loss.backward()
        return loss
    return step


@workload("big_mlp", "MLP 512x1024-2048-2048-1024 GELU, SGD", goal=2)
def big_mlp(lib):
    nn = lib.nn
    model = fill(lib, nn.Sequential(nn.Linear(1024, 2048), nn.GELU(), nn.Linear(2048, 2048), nn.GELU(), nn.Linear(2048, 1024)))
    x, y = lib.from_numpy(normal(512, 1024, seed=1)), lib.from_numpy(normal(512, 1024, seed=2))
    optimizer = lib.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.MSELoss()

    def step():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    return step
