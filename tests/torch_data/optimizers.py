"""`optim_db`: trajectories over 20 steps for every input, with every combination of implementation switches; errors."""
import re
import warnings
from collections import Counter

import torch
from torch.testing._internal import common_optimizers as data

import wengert

from .compare import Difference, compare, first_line, outcome
from .translate import Untranslatable, to_ours

#: what is added to the arguments of every input
SWITCHES = ({}, {"maximize": True}, {"foreach": True}, {"foreach": False}, {"capturable": True}, {"differentiable": True}, {"fused": True},
            {"fused": False})
STEPS = 20


def parameters(lib, dtype):
    """Matrices only where the optimizer takes nothing else."""
    values = [[[.5, -1., 2., .25], [1., .75, -.5, 1.5], [-2., .1, .3, .9]], [.3, -.6, 1.2, 0.]]
    return [lib.tensor(v, dtype=getattr(lib, dtype), requires_grad=True) for v in values]


def loss_of(ps, tame):
    """Not convex (unless ``tame``), with coupled parameters, gradients of both signs and no symmetry."""
    w, b = ps[0], ps[-1]
    x = w @ (b if b.dim() == 1 else b.t())
    if tame:
        return ((x - 1) ** 2).sum() + (w * w).sum() + (b * b).sum()
    return (x.sin() + 0.3 * x * x).sum() + (b ** 4).sum() * 0.05 + (w * w).sum() * 0.1


def trajectory(lib, cls, kwargs, dtype, matrices):
    """Parameters after each step, and the state at the end."""
    ps = parameters(lib, dtype)[:1] if matrices else parameters(lib, dtype)
    optimizer = cls(ps, **kwargs)
    seen, sign = [], -1 if kwargs.get("maximize") else 1
    for _ in range(STEPS):
        def closure():
            optimizer.zero_grad()
            loss = sign * loss_of(ps, cls.__name__ == "LBFGS")     # which amplifies rounding where curvature changes sign
            loss.backward()
            return loss

        if cls.__name__ == "LBFGS":
            optimizer.step(closure)
        else:
            closure()
            if kwargs.get("differentiable"):
                with lib.no_grad():
                    optimizer.step()
            else:
                optimizer.step()
        seen.append([p.detach().clone() for p in ps])
    state = optimizer.state_dict()
    return seen, state


def compare_state(mine, other):
    groups, others = mine["param_groups"], other["param_groups"]
    for a, b in zip(groups, others):
        if list(a) != list(b):
            raise Difference("state", f"keys of a group: ours {list(a)}, torch's {list(b)}")
        for key in b:
            if str(a[key]) != str(b[key]).replace("torch.", "wengert.") and str(a[key]) != str(b[key]):
                raise Difference("state", f"{key} of a group: ours {a[key]}, torch's {b[key]}")
    if list(mine["state"]) != list(other["state"]):
        raise Difference("state", f"ours {list(mine['state'])}, torch's {list(other['state'])}")
    for index, theirs in other["state"].items():
        ours = mine["state"][index]
        if sorted(ours) != sorted(theirs):
            raise Difference("state", f"keys: ours {sorted(ours)}, torch's {sorted(theirs)}")
        for key, value in theirs.items():
            compare(ours[key], value, f"state {key}", strides=False)


def run_errors(info, ours, report):
    for error in info.optim_error_inputs_func("cpu", torch.float32):
        sample = error.optimizer_error_input
        if not issubclass(error.error_type, Exception) or issubclass(error.error_type, Warning):
            continue
        text = f"torch: {getattr(error.error_type, '__name__', error.error_type)}: {error.error_regex}   [{sample.desc}]"

        def run():
            params = wengert.nn.Parameter(wengert.randn(3, 2)) if sample.params is None else to_ours(sample.params)
            if sample.params is None:
                params = [params]
            optimizer = ours(params, **to_ours(sample.kwargs))
            optimizer.step()

        def theirs():
            params = [torch.nn.Parameter(torch.randn(3, 2))] if sample.params is None else sample.params
            info.optim_cls(params, **sample.kwargs).step()

        try:
            got, expected = outcome(run, Untranslatable), outcome(theirs)
        except Untranslatable:
            report("error", "", "skipped", text)
            continue
        if expected[0] == "returned":
            continue
        if got[0] == "returned":
            report("error", "", "not raised", text)
        elif not isinstance(got[1], error.error_type):
            report("error", "", "error type", f"ours: {type(got[1]).__name__}: {first_line(got[1])}; {text}")
        elif not re.search(error.error_regex, str(got[1])):
            report("error", "", "error text", f"ours: {first_line(got[1])}; {text}")


def run_optimizer(info, dtypes=("float64", "float32"), limit=None):
    """All findings: a list of (variant, dtype, kind, text), and how many samples ran."""
    findings, count = [], Counter()

    def report(variant, dtype, kind, text):
        findings.append((variant, dtype, kind, text))

    ours = getattr(wengert.optim, info.optim_cls.__name__, None)
    if ours is None:
        return [("optimizer", "", "missing", "")], 0
    matrices = info.optim_cls.__name__ == "Muon"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in info.optim_inputs_func("cpu"):
            for switch in SWITCHES:
                if limit and count["samples"] >= limit:
                    break
                kwargs = {**sample.kwargs, **switch}
                variant = " ".join(f"{k}={v}" for k, v in switch.items()) or "plain"
                for dtype in dtypes:
                    count["samples"] += 1
                    text = f"   [{sample.desc}: {kwargs}]"
                    try:
                        mine = outcome(lambda: trajectory(wengert, ours, to_ours(kwargs), dtype, matrices), Untranslatable)
                    except Untranslatable:
                        report(variant, dtype, "skipped", "")
                        continue
                    other = outcome(lambda: trajectory(torch, info.optim_cls, kwargs, dtype, matrices))
                    if mine[0] != other[0]:
                        error = (mine if mine[0] == "raised" else other)[1]
                        report(variant, dtype, "raised" if mine[0] == "raised" else "not raised",
                               f"{type(error).__name__}: {first_line(error)}{text}")
                        continue
                    if mine[0] == "raised":
                        if type(mine[1]).__name__ != type(other[1]).__name__ or first_line(mine[1]) != first_line(other[1]):
                            report(variant, dtype, "error text", f"ours {mine[1]!r}, torch's {other[1]!r}{text}")
                        continue
                    try:
                        for step, (a, b) in enumerate(zip(mine[1][0], other[1][0])):
                            compare(a, b, f"step {step}", strides=False)
                        compare_state(mine[1][1], other[1][1])
                    except Difference as difference:
                        report(variant, dtype, difference.kind, str(difference) + text)
        run_errors(info, ours, report)
    return findings, count["samples"]


def select(names):
    return {info.name: (lambda info=info, **options: run_optimizer(info, **options)) for info in data.optim_db
            if not names or info.name in names}
