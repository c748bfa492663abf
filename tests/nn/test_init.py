"""nn.init against torch: the same numbers from the same seed, gains, fans, errors and warnings."""

import pytest
from like_torch import assert_same

# Functions whose numbers come from uniform draws, and those that use normal draws or a factorisation.
FILLS = {
    "uniform": lambda t, x: t.nn.init.uniform_(x, -2.0, 3.0),
    "normal": lambda t, x: t.nn.init.normal_(x, 1.0, 2.0),
    "trunc_normal": lambda t, x: t.nn.init.trunc_normal_(x, 0.5, 1.5, -1.0, 2.0),
    "trunc_normal tail": lambda t, x: t.nn.init.trunc_normal_(x, 0.0, 1.0, 1.5, 3.0),
    "constant": lambda t, x: t.nn.init.constant_(x, 0.3),
    "ones": lambda t, x: t.nn.init.ones_(x),
    "zeros": lambda t, x: t.nn.init.zeros_(x),
    "xavier_uniform": lambda t, x: t.nn.init.xavier_uniform_(x, gain=1.5),
    "xavier_normal": lambda t, x: t.nn.init.xavier_normal_(x),
    "kaiming_uniform": lambda t, x: t.nn.init.kaiming_uniform_(x, a=0.3),
    "kaiming_uniform fan_out": lambda t, x: t.nn.init.kaiming_uniform_(x, mode="fan_out", nonlinearity="relu"),
    "kaiming_normal": lambda t, x: t.nn.init.kaiming_normal_(x, nonlinearity="tanh"),
    "orthogonal": lambda t, x: t.nn.init.orthogonal_(x, gain=2.0),
}


@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 3, 2, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers(name, shape, dtype):
    def program(t):
        t.manual_seed(42)
        x = t.nn.Parameter(t.empty(shape, dtype=getattr(t, dtype)))
        result = FILLS[name](t, x)
        return [result is x, x, x.requires_grad, x.grad_fn]

    assert_same(program, 1e-5 if dtype == "float32" else 1e-10)


PROGRAMS = {
    "eye": lambda t: t.nn.init.eye_(t.empty(3, 5)),
    "eye 3D": lambda t: t.nn.init.eye_(t.empty(3, 5, 1)),
    "dirac": lambda t: t.nn.init.dirac_(t.empty(4, 2, 3)),
    "dirac groups": lambda t: t.nn.init.dirac_(t.empty(4, 2, 3, 3), groups=2),
    "dirac 5D": lambda t: t.nn.init.dirac_(t.empty(2, 3, 3, 1, 2)),
    "dirac 2D": lambda t: t.nn.init.dirac_(t.empty(2, 3)),
    "dirac bad groups": lambda t: t.nn.init.dirac_(t.empty(4, 2, 3), groups=3),
    "sparse": lambda t: (t.manual_seed(1), (t.nn.init.sparse_(t.empty(10, 4), 0.35) == 0).sum(0))[1],
    "sparse 3D": lambda t: t.nn.init.sparse_(t.empty(3, 5, 1), 0.1),
    "sparse values": lambda t: (t.manual_seed(1), t.nn.init.sparse_(t.empty(5, 3, dtype=t.float64), 0.5))[1],
    "orthogonal 1D": lambda t: t.nn.init.orthogonal_(t.empty(3)),
    "orthogonal empty": lambda t: t.nn.init.orthogonal_(t.empty(3, 0)),
    "fan 1D": lambda t: t.nn.init.xavier_uniform_(t.empty(3)),
    "kaiming mode": lambda t: t.nn.init.kaiming_uniform_(t.empty(3, 3), mode="x"),
    "kaiming empty": lambda t: t.nn.init.kaiming_normal_(t.empty(3, 0)),
    "kaiming nonlinearity": lambda t: t.nn.init.kaiming_normal_(t.empty(3, 3), nonlinearity="x"),
    "trunc_normal far": lambda t: (t.manual_seed(1), t.nn.init.trunc_normal_(t.empty(3), 9.0))[1],
    "old name": lambda t: t.nn.init.constant(t.empty(2), 3.0),
    "generator": lambda t: t.nn.init.uniform_(t.empty(3), generator=t.Generator().manual_seed(3)),
    "fans": lambda t: t.nn.init._calculate_fan_in_and_fan_out(t.empty(4, 3, 2, 5)),
    "gain": lambda t: [
        t.nn.init.calculate_gain(n)
        for n in ("linear", "conv1d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu")
    ],
    "gain slope": lambda t: [t.nn.init.calculate_gain("leaky_relu", s) for s in (1, 0.2, None)],
    "gain bad slope": lambda t: t.nn.init.calculate_gain("leaky_relu", True),
    "gain text slope": lambda t: t.nn.init.calculate_gain("leaky_relu", "a"),
    "gain unknown": lambda t: t.nn.init.calculate_gain("gelu"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name], 1e-6)


def test_orthogonal_columns():
    import wengert

    x = wengert.nn.init.orthogonal_(wengert.empty(6, 3, dtype=wengert.float64), gain=2.0)
    product = (x.t() @ x).tolist()
    for i in range(3):
        for j in range(3):
            assert abs(product[i][j] - (4.0 if i == j else 0.0)) < 1e-12
