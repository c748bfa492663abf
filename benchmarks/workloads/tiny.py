"""Programs whose cost is that of the operations themselves, not of their arithmetic."""
from .registry import normal, workload


@workload("scalar", "scalar program, 2000 ops on 0-d float64", goal=70, tolerance=1e-12)
def scalar(lib):
    x = lib.tensor(0.7, dtype=lib.float64, requires_grad=True)
    y = lib.tensor(0.3, dtype=lib.float64, requires_grad=True)

    def step():
        x.grad = y.grad = None
        z = x
        for _ in range(500):
            z = z * x
            z = lib.cos(z)
            z = z * 0.9 + y
        z.backward()
        return x.grad + y.grad
    return step


@workload("elementwise", "200 elementwise ops on (16,)", goal=70)
def elementwise(lib):
    x = lib.from_numpy(normal(16, seed=1)).requires_grad_()
    w = lib.from_numpy(1.0 + 0.01 * normal(16, seed=2))
    b = lib.from_numpy(normal(16, seed=3, scale=0.01))

    def step():
        x.grad = None
        h = x
        for _ in range(100):
            h = h * w
            h = h + b
        loss = h.sum()
        loss.backward()
        return loss
    return step


@workload("elementwise_params", "the same, tanh, all operands with gradients")
def elementwise_params(lib):
    x = lib.from_numpy(normal(16, seed=1)).requires_grad_()
    w = lib.from_numpy(1.0 + 0.01 * normal(16, seed=2)).requires_grad_()
    b = lib.from_numpy(normal(16, seed=3, scale=0.01)).requires_grad_()

    def step():
        x.grad = w.grad = b.grad = None
        h = x
        for _ in range(50):
            h = lib.tanh(h * w + b) * 1.01
        loss = h.sum()
        loss.backward()
        return w.grad.sum()
    return step


CELSIUS = [0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0]
READING = [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4]


@workload("thermometer", "thermometer, 2 parameters, manual update", goal=10)
def thermometer(lib):
    t_c = lib.tensor(CELSIUS)
    t_u = 0.1 * lib.tensor(READING)
    params = lib.tensor([1.0, 0.0], requires_grad=True)

    def model(t_u, w, b):
        return w * t_u + b

    def loss_fn(t_p, t_c):
        return ((t_p - t_c) ** 2).mean()

    def step():
        nonlocal params
        if params.grad is not None:
            params.grad.zero_()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        params = (params - 1e-2 * params.grad).detach().requires_grad_()
        return loss
    return step
