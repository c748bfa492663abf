"""Reads handwritten digits: trains on the 1,797 scanned digits that ship with scikit-learn, and shows what it gets wrong.

    python examples/digits.py                       # some seconds; writes digits.safetensors and digits.png
    python examples/digits.py --epochs 5 --width 32

Ctrl-C stops the training and saves what is learnt so far; `--resume digits.safetensors` goes on from there.
"""
import argparse
import math
import time

import wengert as torch
from wengert import nn


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", default="digits.safetensors")
    parser.add_argument("--picture", default="digits.png")
    parser.add_argument("--resume", metavar="CHECKPOINT", help="go on from this checkpoint")
    return parser.parse_args()


def load_digits(seed):
    """Images as 8 x 8 grey values between 0 and 1: three quarters to learn from, one quarter to test."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images / 16.0, labels, test_size=0.25, stratify=labels, random_state=seed)
    x, x_test = (torch.tensor(part, dtype=torch.float32) for part in parts[:2])
    y, y_test = (torch.tensor(part, dtype=torch.int64) for part in parts[2:])
    return x, y, x_test, y_test


def shifted(x, y):
    """Each image five times: as it is, and moved by one pixel in each direction."""
    padded = nn.functional.pad(x.reshape(-1, 8, 8), (1, 1, 1, 1))
    moves = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]
    images = torch.cat([padded[:, 1 + down:9 + down, 1 + right:9 + right] for down, right in moves])
    return images.reshape(-1, 64), y.repeat(len(moves))


def build(width):
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Dropout(0.2),
                         nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.2),
                         nn.Linear(width, 10))


def predict(model, x):
    model.eval()
    with torch.no_grad():
        labels = model(x).argmax(dim=1)
    model.train()
    return labels


def accuracy(model, x, y):
    return (predict(model, x) == y).float().mean().item()


def train(model, optimizer, data, options, history):
    """One tick of the bar is one mini-batch. `history` grows as it goes, so that an interruption loses nothing."""
    from tqdm import tqdm

    x, y = shifted(*data[:2])
    x_test, y_test = data[2:]
    loss_fn = nn.CrossEntropyLoss()
    done, each = history["epoch"], math.ceil(len(x) / options.batch)
    history["batches"] = each
    with tqdm(initial=done * each, total=options.epochs * each, unit="batch") as bar:
        for epoch in range(done, options.epochs):
            for rows in torch.randperm(len(x)).split(options.batch):
                for group in optimizer.param_groups:                     # from lr down to 0, along half a cosine
                    group["lr"] = options.lr * 0.5 * (1 + math.cos(math.pi * bar.n / bar.total))
                loss = loss_fn(model(x[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                history["loss"].append(loss.item())
                bar.set_postfix(epoch=epoch + 1, loss=f"{history['loss'][-1]:.4f}",
                                accuracy=f"{history['accuracy'][-1]:.2%}" if history["accuracy"] else "-", refresh=False)
                bar.update()
            history["accuracy"].append(accuracy(model, x_test, y_test))
            history["epoch"] = epoch + 1


def draw(path, history, x_test, y_test, guesses):
    """The loss curve, and the test digits that were taken for others (the first hundred)."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    wrong = (guesses != y_test).nonzero().flatten().tolist()
    columns = 10
    rows = min(10, max(1, math.ceil(len(wrong) / columns)))
    figure = plt.figure(figsize=(10, 4 + 1.3 * rows), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[4, 1.3 * rows])
    curve = top.subplots()
    epochs = len(history["accuracy"])
    curve.semilogy([i / history["batches"] for i in range(len(history["loss"]))], history["loss"], lw=0.5, label="training loss")
    curve.set(xlabel="epoch", ylabel="loss")
    right = curve.twinx()
    right.plot(range(1, epochs + 1), history["accuracy"], color="tab:orange", label="test accuracy")
    right.set(ylabel="accuracy", ylim=(min([0.9, *history["accuracy"]]), 1.0))
    top.legend(loc="outside upper right", ncols=2)
    bottom.suptitle(f"{len(wrong)} of {len(y_test)} test digits were misread")
    cells = bottom.subplots(rows, columns, squeeze=False).flatten()
    for cell in cells:
        cell.axis("off")
    for cell, index in zip(cells, wrong):
        cell.imshow(x_test[index].reshape(8, 8).numpy(), cmap="gray_r")
        cell.set_title(f"{y_test[index].item()} read as {guesses[index].item()}", fontsize=8)
    figure.savefig(path, dpi=120)


def main():
    options = arguments()
    torch.manual_seed(options.seed)
    data = load_digits(options.seed)
    x_test, y_test = data[2:]
    model = build(options.width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.lr, weight_decay=1e-2)
    history = {"loss": [], "accuracy": [], "epoch": 0}
    if options.resume:
        saved = torch.load(options.resume)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        history = saved["history"]

    start = time.perf_counter()
    stopped = False
    try:
        train(model, optimizer, data, options, history)
    except KeyboardInterrupt:
        stopped = True
    seconds = time.perf_counter() - start

    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history}, options.checkpoint)
    guesses = predict(model, x_test)
    right = (guesses == y_test).sum().item()
    print(f"{'stopped' if stopped else 'trained'} after {history['epoch']} epochs, {seconds:.1f} s: "
          f"{right} of {len(y_test)} test digits right, accuracy {right / len(y_test):.2%}")
    draw(options.picture, history, x_test, y_test, guesses)
    print(f"wrote {options.checkpoint} and {options.picture}")


if __name__ == "__main__":
    main()
