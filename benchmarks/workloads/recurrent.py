"""A recurrent cell written out by hand."""
from .registry import initial, normal, workload

STEPS, BATCH, HIDDEN = 32, 16, 64


@workload("lstm", "LSTM cell by hand, 32 steps, batch 16, hidden 64", goal=5.5)
def lstm(lib):
    x = lib.from_numpy(normal(STEPS, BATCH, HIDDEN, seed=1))
    wx, wh, b = (lib.from_numpy(a).requires_grad_() for a in initial([(HIDDEN, 4 * HIDDEN), (HIDDEN, 4 * HIDDEN), (4 * HIDDEN,)]))
    optimizer = lib.optim.SGD([wx, wh, b], lr=0.1)
    start = lib.zeros(BATCH, HIDDEN)

    def step():
        optimizer.zero_grad()
        h = c = start
        for t in range(STEPS):
            i, f, g, o = (x[t] @ wx + h @ wh + b).chunk(4, 1)
            c = lib.sigmoid(f) * c + lib.sigmoid(i) * lib.tanh(g)
            h = lib.sigmoid(o) * lib.tanh(c)
        loss = ((h - 1.0) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss
    return step
