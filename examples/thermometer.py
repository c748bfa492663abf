"""A thermometer without a scale: which line turns its readings into degrees Celsius?

    python examples/thermometer.py                  # writes thermometer.png

Fits t_c = w * t_u + b to eleven measurements by gradient descent, updating the parameters by hand.
"""
import argparse

import wengert as torch

CELSIUS = [0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0]
READING = [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4]


def model(t_u, w, b):
    return w * t_u + b


def loss_fn(t_p, t_c):
    return ((t_p - t_c) ** 2).mean()


def training_loop(n_epochs, learning_rate, params, t_u, t_c):
    """Returns the parameters and the loss of each epoch."""
    losses = []
    for epoch in range(1, n_epochs + 1):
        if params.grad is not None:
            params.grad.zero_()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        params = (params - learning_rate * params.grad).detach().requires_grad_()
        losses.append(loss.item())
        if epoch % 500 == 0:
            print(f"epoch {epoch}, loss {losses[-1]:.6f}")
    return params, losses


def draw(path, t_u, t_c, w, b, losses):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (fit, curve) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    fit.plot(t_u.numpy(), t_c.numpy(), "o", label="measured")
    ends = torch.stack([t_u.min(), t_u.max()])
    fit.plot(ends.numpy(), model(0.1 * ends, w, b).numpy(), label=f"{0.1 * w:.4f} reading {b:+.2f}")
    fit.set(xlabel="reading", ylabel="degrees Celsius")
    fit.legend()
    curve.loglog(range(1, len(losses) + 1), losses)
    curve.set(xlabel="epoch", ylabel="mean squared error")
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5000)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--picture", default="thermometer.png")
    options = parser.parse_args()

    t_c, t_u = torch.tensor(CELSIUS), torch.tensor(READING)
    start = torch.tensor([1.0, 0.0], requires_grad=True)
    params, losses = training_loop(options.epochs, options.lr, start, 0.1 * t_u, t_c)     # both slopes of one size
    print(params)
    w, b = params.detach()
    print(f"Celsius = {0.1 * w:.4f} * reading {b:+.4f}; Fahrenheit would be 0.5556 * reading -17.7778")
    draw(options.picture, t_u, t_c, w, b, losses)
    print(f"wrote {options.picture}")


if __name__ == "__main__":
    main()
