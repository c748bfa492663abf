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


def test_clipped_norm():
    import wengert

    p = wengert.nn.Parameter(wengert.zeros(2))
    p.grad = wengert.tensor([3.0, 4.0])
    total = wengert.nn.utils.clip_grad_norm_([p], 1.0)
    assert total.item() == 5.0
    assert p.grad.tolist() == pytest.approx([0.6, 0.8], rel=1e-5)
