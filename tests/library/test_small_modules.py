"""Modules of a few names that programs import, against torch."""

from importlib import import_module

import pytest
from like_torch import assert_same

import wengert

NAMES = {
    "nn.modules.utils": ["_single", "_pair", "_triple", "_quadruple", "_reverse_repeat_tuple", "_list_with_default",
                         "consume_prefix_in_state_dict_if_present"],
    "nn.common_types": ["_size_1_t", "_size_2_t", "_size_3_t", "_size_any_t", "_ratio_2_t"],
    "autograd.variable": ["Variable"],
    "autograd.profiler": ["profile", "record_function"],
    "utils.dlpack": ["from_dlpack", "to_dlpack"],
    "utils._pytree": ["tree_map", "tree_flatten", "tree_unflatten", "tree_leaves", "tree_map_only"],
    "cpu": ["is_available", "synchronize", "device_count", "current_device"],
    "return_types": [],
    "_dynamo": ["config", "reset", "mark_dynamic", "disable", "optimize"],
    "nn.attention": ["sdpa_kernel", "SDPBackend"],
    "nn.grad": [f"conv{n}d_{of}" for n in (1, 2, 3) for of in ("input", "weight")],
    "nn.modules.fold": ["Fold", "Unfold"],
    "autograd.grad_mode": ["no_grad", "enable_grad", "set_grad_enabled", "inference_mode"],
    "functional": ["einsum", "meshgrid", "norm", "split", "tensordot"],
    "torch_version": ["TorchVersion"],
    "utils.benchmark": ["Timer", "Compare", "Measurement"],
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    parent = wengert
    for part in name.split("."):
        parent = getattr(parent, part)
    assert parent is import_module("wengert." + name)
    for n in NAMES[name]:
        assert hasattr(parent, n)


def of(t, name):
    return import_module(f"{t.__name__}.{name}")


def consumed(t):
    state = t.nn.Sequential(t.nn.Linear(1, 1)).state_dict(prefix="module.")
    t.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    return list(state), list(state._metadata)


def trees(t):
    p = of(t, "utils._pytree")
    tree = {"a": [t.ones(1), 2], "b": (3, {"c": None})}
    leaves, spec = p.tree_flatten([1, (2, 3)])
    return p.tree_map(lambda x: x if x is None else x * 2, tree), p.tree_unflatten([4, 5, 6], spec), leaves, \
        p.tree_map_only(int, lambda x: -x, tree), p.tree_leaves([1, [2]])


PROGRAMS = {
    "pair": lambda t: [t.nn.modules.utils._pair(2), t.nn.modules.utils._triple([1, 2, 3]), t.nn.modules.utils._pair((1, 2))],
    "reverse": lambda t: t.nn.modules.utils._reverse_repeat_tuple((1, 2), 2),
    "defaults": lambda t: [t.nn.modules.utils._list_with_default([None, 3], [4, 5, 6]), t.nn.modules.utils._list_with_default(2, [1])],
    "too few defaults": lambda t: t.nn.modules.utils._list_with_default([None, 3], [4, 5]),
    "consume": consumed,
    "trees": trees,
    "dlpack": lambda t: of(t, "utils.dlpack").from_dlpack(of(t, "utils.dlpack").to_dlpack(t.arange(3.0))),
    "return type": lambda t: isinstance(t.ones(2).max(0), t.return_types.max),
    "backends": lambda t: [(b.name, int(b)) for b in
                           map(of(t, "nn.attention").SDPBackend, range(5))],
    "no backend": lambda t: of(t, "nn.attention").sdpa_kernel(3).__enter__(),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name])


def test_attention_under_a_chosen_kernel():
    from wengert.nn.attention import SDPBackend, sdpa_kernel

    q = wengert.ones(1, 1, 2, 4)
    with sdpa_kernel(SDPBackend.MATH):
        assert wengert.nn.functional.scaled_dot_product_attention(q, q, q).shape == (1, 1, 2, 4)


@pytest.mark.parametrize("version", ["2.13.0+cpu", "2.0.0a0", "1.9"])
@pytest.mark.parametrize("other", [(2, 1), "2.9", (2, 13), "2.13.0", "2.13.0+cpu", (2,), "2.0.0", (1, 8)])
def test_versions_compare(version, other):
    torch_version = pytest.importorskip("torch.torch_version")
    ours, theirs = wengert.torch_version.TorchVersion(version), torch_version.TorchVersion(version)
    for name in ("__lt__", "__le__", "__eq__", "__ge__", "__gt__"):
        assert getattr(ours, name)(other) == getattr(theirs, name)(other), name
    assert (ours != other) is not (ours == other)


def test_no_version():
    with pytest.raises(ValueError, match="Invalid version"):
        wengert.torch_version.TorchVersion("2.13") < "nonsense"
