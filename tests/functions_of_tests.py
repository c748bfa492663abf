"""Functions that tests of autograd.Function make, of PyTorch and of wengert."""


def leaf(lib, *values):
    return lib.tensor(list(values), requires_grad=True)


def function(lib, forward, backward, **more):
    return type("Made", (lib.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward), **more})


def cube(lib):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3

    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * 3 * x ** 2

    return function(lib, forward, backward)
