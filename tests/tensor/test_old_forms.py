"""Calls as old programs write them, against torch: numbers before tensors, tensors for numbers."""

import re

import pytest

import wengert

torch = pytest.importorskip("torch")

CALLS = """
t.ones(2).add_(0.5, t.arange(2.0))
t.ones(2).add(2, t.arange(2.0))
t.add(t.ones(2), 0.5, t.arange(2.0))
t.ones(2).sub_(0.5, t.arange(2.0))
t.sub(t.ones(2), 0.5, t.arange(2.0))
t.ones(2).addcmul_(0.5, t.arange(2.0), t.full((2,), 3.0))
t.ones(2).addcmul(0.5, t.arange(2.0), t.full((2,), 3.0))
t.addcmul(t.ones(2), 2, t.arange(2.0), t.full((2,), 3.0))
t.ones(2).addcdiv_(-0.5, t.arange(2.0), t.full((2,), 3.0))
t.addcdiv(t.ones(2), 0.5, t.arange(2.0), t.full((2,), 3.0))
t.ones(2, 2).addmm_(3, 2, t.ones(2, 2), t.eye(2))
t.ones(2, 2).addmm(0.5, t.ones(2, 2), t.eye(2))
t.addmm(3, t.ones(2, 2), 2, t.ones(2, 2), t.eye(2))
t.addmm(3, t.ones(2, 2), t.ones(2, 2), t.eye(2))
t.ones(2).addmv_(3, 2, t.ones(2, 2), t.ones(2))
t.ones(1, 2, 2).baddbmm_(3, 2, t.ones(1, 2, 2), t.ones(1, 2, 2))
t.ones(2).add_(t.ones(2), alpha=t.tensor(0.5))
t.ones(2).add(t.ones(2), alpha=t.tensor(2))
t.ones(2).sub_(t.ones(2), alpha=t.tensor(2))
t.addmm(t.ones(2, 2), t.ones(2, 2), t.eye(2), alpha=t.tensor(2), beta=t.tensor(0.5))
t.ones(2).addcdiv_(t.ones(2), t.full((2,), 3.0), value=t.tensor(0.5))
t.Size([t.tensor(2), 3]), t.Size([1, 2]) + t.Size([3]), t.Size(), t.Size((4,))
t.Size([1.5])
t.Size(["a"])
t.randint_like(t.ones(30), high=5)
t.randint_like(t.ones(30), 5)
t.randint_like(t.ones(30), low=2, high=5)
t.randint_like(t.ones(30), 2, 5)
""".strip().splitlines()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.filterwarnings("ignore:This overload:UserWarning")
def test_same_result(call):
    seen = []
    for lib in (wengert, torch):
        lib.manual_seed(3)
        try:
            seen.append(re.sub(r"\s+", " ", repr(eval(call, {"t": lib})).replace("wengert", "torch")))
        except Exception as error:
            seen.append((type(error), str(error)))
    assert seen[0] == seen[1]


def test_old_forms_warn_once_a_name():
    code = ("import warnings, wengert as t\n"
            "with warnings.catch_warnings(record=True) as caught:\n"
            "    warnings.simplefilter('always')\n"
            "    for _ in range(3): t.ones(2).add_(1, t.ones(2))\n"
            "assert [str(w.message)[:34] for w in caught] == ['This overload of add_ is deprecate'], caught\n")
    import subprocess
    import sys
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("call", ["t.add(t.ones(2), 'x', t.ones(2))", "t.ones(2).add_(1, 2, t.ones(2))", "t.ones(2).addcmul_(1, 2, t.ones(2), t.ones(2))",
                                  "t.ones(2).add_(0.5, t.ones(2), alpha=2)", "t.ones(2).add(t.ones(2), alpha=t.ones(2))"])
def test_other_calls_are_refused(call):
    for lib in (wengert, torch):
        with pytest.raises(TypeError):
            eval(call, {"t": lib})


@pytest.mark.parametrize("call", ["x.split(split_size=2)", "x.split(split_size=[1, 3], dim=0)", "x.split(t.tensor(3))",
                                  "t.split(x, split_size_or_sections=2)", "t.split(x, [1, 3])"])
def test_split_by_its_two_names(call):
    seen = [repr(eval(call, {"t": lib, "x": lib.arange(4.0)})) for lib in (wengert, torch)]
    assert seen[0] == seen[1]


def test_split_without_sizes():
    with pytest.raises(TypeError, match="split_size"):
        wengert.ones(2).split()
