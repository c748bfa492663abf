"""A small convolutional network."""
from .registry import fill, integers, normal, workload


@workload("cnn", "CNN 32x1x28x28, conv16-pool-conv32-pool-linear", goal=3, needs=("nn.Conv2d", "nn.MaxPool2d"))
def cnn(lib):
    nn = lib.nn
    model = fill(lib, nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                                    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                                    nn.Flatten(), nn.Linear(32 * 7 * 7, 10)))
    x, y = lib.from_numpy(normal(32, 1, 28, 28, seed=1)), lib.from_numpy(integers(10, 32, seed=2))
    optimizer = lib.optim.SGD(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    return step
