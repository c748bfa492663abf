"""torch._foreach_*, skip_init, SyncBatchNorm and norm_except_dim against torch."""

import pytest
from like_torch import array, assert_same, filled


def lists(t, count=2):
    return [[t.tensor(array(*s, seed=10 * k + i, low=0.5, high=2)) for i, s in enumerate([(2, 3), (4,)])] for k in range(count)]


CALLS = {
    "add": lambda t, a, b: t._foreach_add(a, b),
    "add alpha": lambda t, a, b: t._foreach_add(a, b, alpha=2),
    "add number": lambda t, a, b: t._foreach_add(a, 3),
    "add numbers": lambda t, a, b: t._foreach_add(a, [1.0, 2.0]),
    "mul_": lambda t, a, b: (t._foreach_mul_(a, 0.5), a)[1],
    "sub_": lambda t, a, b: (t._foreach_sub_(a, b, alpha=0.5), a)[1],
    "div": lambda t, a, b: t._foreach_div(a, b),
    "lerp_": lambda t, a, b: (t._foreach_lerp_(a, b, 0.1), a)[1],
    "addcmul_": lambda t, a, b: (t._foreach_addcmul_(a, b, b, 0.1), a)[1],
    "addcdiv": lambda t, a, b: t._foreach_addcdiv(a, a, b, -0.1),
    "addcdiv numbers": lambda t, a, b: t._foreach_addcdiv(a, a, b, [0.1, 0.2]),
    "addcdiv value": lambda t, a, b: t._foreach_addcdiv(a, a, b, value=2),
    "sqrt": lambda t, a, b: t._foreach_sqrt(a),
    "neg_": lambda t, a, b: (t._foreach_neg_(a), a)[1],
    "maximum_": lambda t, a, b: (t._foreach_maximum_(a, b), a)[1],
    "clamp_min": lambda t, a, b: t._foreach_clamp_min(a, 1.0),
    "pow": lambda t, a, b: t._foreach_pow(a, 2),
    "norm": lambda t, a, b: t._foreach_norm(a),
    "norm 1": lambda t, a, b: t._foreach_norm(a, 1),
    "zero_": lambda t, a, b: (t._foreach_zero_(a), a)[1],
    "copy_": lambda t, a, b: (t._foreach_copy_(a, b), a)[1],
    "exp": lambda t, a, b: t._foreach_exp(a),
}


@pytest.mark.parametrize("name", CALLS)
def test_lists(name):
    assert_same(lambda t: CALLS[name](t, *lists(t)), 1e-12)


def test_lists_that_do_not_fit():
    import torch

    import wengert

    for t in (wengert, torch):
        with pytest.raises(RuntimeError):
            t._foreach_add([t.ones(1)], [t.ones(1), t.ones(1)])
        with pytest.raises(RuntimeError):
            t._foreach_add([], [])
        with pytest.raises(AttributeError):
            t._foreach_nonsense


PROGRAMS = {
    "norm_except_dim": lambda t: t.norm_except_dim(t.tensor(array(3, 4)), 2, 0),
    "skip_init": lambda t: (t.nn.utils.skip_init(t.nn.Linear, 2, 3, dtype=t.float64).weight.shape, t.nn.utils.skip_init(t.nn.Linear, 2, 3)),
    "skip_init of no module": lambda t: t.nn.utils.skip_init(int),
    "skip_init without device": lambda t: t.nn.utils.skip_init(t.nn.ReLU),
    "converted": lambda t: t.nn.SyncBatchNorm.convert_sync_batchnorm(
        filled(t, t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Sequential(t.nn.BatchNorm1d(3), t.nn.ReLU())))),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name], 1e-12)


def test_sync_batch_norm_is_batch_norm():
    import wengert as t

    plain = t.nn.BatchNorm2d(3)
    sync = t.nn.SyncBatchNorm.convert_sync_batchnorm(plain)
    x = t.randn(2, 3, 4, 4)
    assert type(sync) is t.nn.SyncBatchNorm and sync.weight is plain.weight and sync.running_mean is plain.running_mean
    assert t.equal(sync(x), t.nn.BatchNorm2d(3)(x))
    with pytest.raises(ValueError, match="at least 2D"):
        sync(t.ones(3))
