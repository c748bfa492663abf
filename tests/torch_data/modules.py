"""`module_db`: construction from a seed, state, forward in training and evaluation, derivatives of inputs and parameters, errors."""
import re
import warnings
from collections import Counter

import torch
from torch.testing._internal import common_modules as data

import wengert

from .compare import Difference, array, compare, compare_gradients, differentiate, first_line, leaves_of, outcome
from .translate import Untranslatable, to_ours

DTYPES = ("float64", "float32")


def same_state(mine, other):
    """The same keys in the same order, dtypes, shapes and values up to rounding."""
    mine, other = mine.state_dict(), other.state_dict()
    if list(mine) != list(other):
        raise Difference("state", f"keys: ours {list(mine)}, torch's {list(other)}")
    for key in other:
        compare(mine[key], other[key], key, strides=False)


def make(lib, cls, sample, dtype):
    lib.manual_seed(0)
    args, kwargs = sample
    return cls(*args, **kwargs).to(getattr(lib, dtype))


def forward(lib, module, sample):
    lib.manual_seed(1)
    args, kwargs = sample
    return module(*args, **kwargs)


def in_both(report, kind, mine, other):
    """The values of two computations; None if they raised, which is reported where only one did."""
    a, b = outcome(mine), outcome(other)
    if a[0] != b[0]:
        report("raised" if a[0] == "raised" else "not raised",
               f"{kind}: {'ours' if a[0] == 'raised' else 'torch'}: "
               f"{type((a if a[0] == 'raised' else b)[1]).__name__}: {first_line((a if a[0] == 'raised' else b)[1])}")
    return (a[1], b[1]) if a[0] == b[0] == "returned" else None


def run_sample(info, ours, sample, dtype, training, found):
    construct = (sample.constructor_input.args, sample.constructor_input.kwargs)
    given = None if sample.forward_input is None else (sample.forward_input.args, sample.forward_input.kwargs)
    my_construct, my_given = to_ours(construct), None if given is None else to_ours(given)
    pair = in_both(found, "construction", lambda: make(wengert, ours, my_construct, dtype), lambda: make(torch, info.module_cls, construct, dtype))
    if pair is None:
        return
    mine, other = pair
    if repr(mine) != repr(other):
        found("repr", f"ours {mine!r}, torch's {other!r}")
    mine.train(training), other.train(training)
    if not info.is_lazy:
        same_state(mine, other)
    if given is None:
        return
    pair = in_both(found, "forward", lambda: forward(wengert, mine, my_given), lambda: forward(torch, other, given))
    if pair is None:
        return
    compare(*pair, "result", strides=False)
    same_state(mine, other)
    my_leaves = [t for t in [*leaves_of(my_given, wengert.Tensor), *mine.parameters()] if t.requires_grad]
    leaves = [t for t in [*leaves_of(given, torch.Tensor), *other.parameters()] if t.requires_grad]
    if dtype != "float64" or not leaves:
        return
    for order in (1, 2) if info.supports_gradgrad else (1,):
        results = [leaves_of(in_both(found, "forward again", lambda: forward(wengert, mine, my_given),
                                     lambda: forward(torch, other, given))[k], lib.Tensor) for k, lib in enumerate((wengert, torch))]
        if not any(y.requires_grad for y in results[1]):
            return
        pair = in_both(found, f"derivative {order}", lambda: differentiate(wengert, results[0], my_leaves, order),
                       lambda: differentiate(torch, results[1], leaves, order))
        if pair is None:
            return
        compare_gradients(pair[0][0], pair[1][0], "gradient" if order == 1 else "gradient by formula")
        compare_gradients(pair[0][1], pair[1][1], "second gradient")


def run_errors(info, ours, report):
    for error in info.module_error_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=False):
        sample = error.module_error_input
        construct = (sample.constructor_input.args, sample.constructor_input.kwargs)
        given = None if sample.forward_input is None else (sample.forward_input.args, sample.forward_input.kwargs)

        def run():
            module = make(wengert, ours, to_ours(construct), "float32")
            if error.error_on is data.ModuleErrorEnum.FORWARD_ERROR:
                forward(wengert, module, to_ours(given))

        got = outcome(run, Untranslatable)
        text = f"torch: {error.error_type.__name__}: {error.error_regex}   [{construct}]"[:300]
        if got[0] == "returned":
            report("error", "", "not raised", text)
        elif not isinstance(got[1], error.error_type):
            report("error", "", "error type", f"ours: {type(got[1]).__name__}: {first_line(got[1])}; {text}")
        elif not re.search(error.error_regex, str(got[1])):
            report("error", "", "error text", f"ours: {first_line(got[1])}; {text}")


def run_module(info, dtypes=DTYPES, limit=None):
    """All findings: a list of (variant, dtype, kind, text), and how many samples ran."""
    findings, count = [], Counter()

    def report(variant, dtype, kind, text):
        findings.append((variant, dtype, kind, text))

    ours = wengert
    for part in (info.module_cls.__module__.replace("torch.", "", 1).split(".")[0], info.module_cls.__name__):
        ours = getattr(ours, part, None)
    if ours is None:
        return [("module", "", "missing", "")], 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for training in (True, False):
            variant = "train" if training else "eval"
            for dtype in dtypes:
                torch.manual_seed(0)
                samples = info.module_inputs_func(info, device="cpu", dtype=getattr(torch, dtype), requires_grad=True, training=training)
                for k, sample in enumerate(samples):
                    if limit and k >= limit:
                        break
                    text = f"   [{sample.desc}: {sample.constructor_input.args} {sample.constructor_input.kwargs}]"[:200]
                    count["samples"] += 1
                    try:
                        run_sample(info, ours, sample, dtype, training, lambda kind, what: report(variant, dtype, kind, what + text))
                    except Difference as difference:
                        report(variant, dtype, difference.kind, str(difference) + text)
                    except Untranslatable:
                        report(variant, dtype, "skipped", "")
        if info.module_error_inputs_func is not None:
            run_errors(info, ours, report)
    return findings, count["samples"]


def select(names):
    return {info.name: (lambda info=info, **options: run_module(info, **options)) for info in data.module_db
            if not names or any(n in (info.name, info.module_cls.__name__) for n in names)}
