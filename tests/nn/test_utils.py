"""nn.utils against torch: clipping of gradients, parameters as one vector."""

import pytest
from like_torch import array, assert_same


def params(t, dtype="float64"):
    dtype = getattr(t, dtype)
    result = [t.nn.Parameter(t.tensor(array(*s, seed=i), dtype=dtype)) for i, s in enumerate([(3,), (2, 2), (), (4,)])]
    for i, p in enumerate(result[:3]):
        p.grad = t.tensor(array(*p.shape, seed=9 + i), dtype=dtype)
    return result


def clipped(clip):
    def program(t):
        ps = params(t)
        result = clip(t, ps)
        return [result, *(p.grad for p in ps)]

    return program


PROGRAMS = {
    "norm": clipped(lambda t, ps: t.nn.utils.clip_grad_norm_(ps, 1.0)),
    "norm large": clipped(lambda t, ps: t.nn.utils.clip_grad_norm_(ps, 100)),
    "norm generator": clipped(lambda t, ps: t.nn.utils.clip_grad_norm_((p for p in ps), 1.0)),
    "norm one tensor": clipped(lambda t, ps: t.nn.utils.clip_grad_norm_(ps[0], 1.0)),
    "norm inf": clipped(lambda t, ps: t.nn.utils.clip_grad_norm_(ps, 1.0, float("inf"))),
    "norm 1": clipped(lambda t, ps: t.nn.utils.clip_grad_norm_(ps, 1.0, norm_type=1)),
    "norm 3": clipped(lambda t, ps: t.nn.utils.clip_grad_norm_(ps, 1.0, norm_type=3.0)),
    "norm no gradients": clipped(lambda t, ps: t.nn.utils.clip_grad_norm_(ps[3:], 1.0)),
    "norm empty generator": clipped(lambda t, ps: t.nn.utils.clip_grad_norm_((p for p in []), 1.0)),
    "norm foreach": clipped(lambda t, ps: t.nn.utils.clip_grad_norm_(ps, 1.0, foreach=True)),
    "norm old name": clipped(lambda t, ps: t.nn.utils.clip_grad_norm(ps, 1.0)),
    "norm not finite": clipped(
        lambda t, ps: (ps[0].grad.fill_(float("nan")), t.nn.utils.clip_grad_norm_(ps, 1.0, error_if_nonfinite=True))
    ),
    "norm infinite": clipped(lambda t, ps: (ps[0].grad.fill_(float("inf")), t.nn.utils.clip_grad_norm_(ps, 1.0))[1]),
    "value": clipped(lambda t, ps: t.nn.utils.clip_grad_value_(ps, 0.5)),
    "value one": clipped(lambda t, ps: t.nn.utils.clip_grad_value_(ps[0], 0.5)),
    "total": clipped(lambda t, ps: t.nn.utils.get_total_norm([p.grad for p in ps[:3]])),
    "total none": clipped(lambda t, ps: t.nn.utils.get_total_norm([])),
    "with norm": clipped(lambda t, ps: t.nn.utils.clip_grads_with_norm_(ps, 0.5, t.tensor(2.0))),
    "float32 norm": lambda t: t.nn.utils.clip_grad_norm_(params(t, "float32"), 1.0),
    "vector": lambda t: t.nn.utils.parameters_to_vector(params(t)),
    "back": lambda t: (lambda ps: (t.nn.utils.vector_to_parameters(t.arange(12.0), ps), ps))(params(t)),
    "back from list": lambda t: t.nn.utils.vector_to_parameters([1.0], params(t)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name], 1e-6)


def normed(name, calls=3, **options):
    """A Linear under weight_norm or spectral_norm: outputs, gradients, state, and the layer after taking it off."""

    def program(t):
        t.manual_seed(1)
        layer = t.nn.Linear(3, 4).double()
        with t.no_grad():
            layer.weight.copy_(t.tensor(array(4, 3)))
            layer.bias.zero_()
        getattr(t.nn.utils, name)(layer, **options)
        if name == "spectral_norm":
            layer.weight_u.copy_(t.tensor(array(4, seed=3)))
            layer.weight_v.copy_(t.tensor(array(3, seed=4)))
        seen = []
        for i in range(calls):
            layer.zero_grad()
            y = layer(t.tensor(array(2, 3, seed=5 + i)))
            (y * y).sum().backward()
            seen += [y, {n: p.grad for n, p in layer.named_parameters()}]
        layer.eval()
        seen.append(layer(t.ones(1, 3, dtype=t.float64)))
        state = layer.state_dict()
        getattr(t.nn.utils, "remove_" + name)(layer)
        return [seen, state, layer.state_dict(), layer(t.ones(1, 3, dtype=t.float64)), layer]

    return program


NORMED = {
    "weight": normed("weight_norm"),
    "weight dim 1": normed("weight_norm", dim=1),
    "weight one length": normed("weight_norm", dim=None),
    "spectral": normed("spectral_norm"),
    "spectral iterations": normed("spectral_norm", n_power_iterations=4),
}


@pytest.mark.parametrize("name", NORMED)
def test_norms_of_weights(name):
    assert_same(NORMED[name], 1e-9)


NORM_ERRORS = {
    "weight twice": lambda t: t.nn.utils.weight_norm(t.nn.utils.weight_norm(t.nn.Linear(1, 1))),
    "weight not there": lambda t: t.nn.utils.remove_weight_norm(t.nn.Linear(1, 1)),
    "spectral twice": lambda t: t.nn.utils.spectral_norm(t.nn.utils.spectral_norm(t.nn.Linear(1, 1))),
    "spectral not there": lambda t: t.nn.utils.remove_spectral_norm(t.nn.Linear(1, 1)),
    "spectral iterations": lambda t: t.nn.utils.spectral_norm(t.nn.Linear(1, 1), n_power_iterations=0),
    "spectral None": lambda t: t.nn.utils.spectral_norm(t.nn.Linear(1, 1, bias=False), "bias"),
}


@pytest.mark.parametrize("name", NORM_ERRORS)
def test_norm_errors(name):
    assert_same(NORM_ERRORS[name])


def test_clipped_norm():
    import wengert

    p = wengert.nn.Parameter(wengert.zeros(2))
    p.grad = wengert.tensor([3.0, 4.0])
    total = wengert.nn.utils.clip_grad_norm_([p], 1.0)
    assert total.item() == 5.0
    assert p.grad.tolist() == pytest.approx([0.6, 0.8], rel=1e-5)
