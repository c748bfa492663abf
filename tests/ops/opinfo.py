"""Runs PyTorch's own operator data (`op_db`) through both libraries and reports where they differ.

    python tests/ops/opinfo.py [--dtypes float64,float32] [--limit N] [--jobs 2] [--verbose] [op ...]

For every sample of an operator: the function, the method, the in-place method and the operator, and `out=`; values, dtypes,
shapes and strides; first and second derivatives in directions drawn at random; and, for wrong inputs, the exception's type
and message. Each operator runs in a process of its own, so that a crash or an endless loop is one more finding.
"""
import argparse
import contextlib
import functools
import json
import os
import re
import select
import signal
import sys
import time
import types
import unittest
import warnings
from collections import Counter, defaultdict

if "expecttest" not in sys.modules:                         # torch's test data imports it for a base class of tests only
    stub = types.ModuleType("expecttest")
    stub.TestCase, stub.assert_expected_inline = unittest.TestCase, None
    try:
        import expecttest  # noqa: F401
    except ImportError:
        sys.modules["expecttest"] = stub

import numpy as np                                          # noqa: E402
import torch                                                # noqa: E402
from torch.testing._internal import common_methods_invocations as data    # noqa: E402

import wengert                                              # noqa: E402

DTYPES = ("float64", "float32", "int64", "int32", "uint8", "bool", "float16", "bfloat16")
FLOATS = ("float64", "float32", "float16", "bfloat16")
#: relative and absolute
TOLERANCES = {"float64": (1e-10, 1e-12), "float32": (2e-5, 2e-6), "float16": (4e-3, 2e-3), "bfloat16": (3e-2, 2e-2)}


# ---- from torch's world into ours --------------------------------------------------------------------------------


def tensor_to_ours(t):
    """The same values in memory laid out the same way; a leaf if it requires grad."""
    plain = t.detach().resolve_conj().resolve_neg()
    words = {torch.bfloat16: torch.int16}.get(plain.dtype)
    if plain.untyped_storage().nbytes() == 0 and plain.numel() or plain.dim() > 24:
        raise Untranslatable("a tensor without memory, or of too many dimensions")
    memory = torch.empty(0, dtype=plain.dtype).set_(plain.untyped_storage())
    memory = wengert.from_numpy((memory.view(words) if words else memory).numpy().copy())
    if words:
        memory = memory.view(getattr(wengert, str(plain.dtype).removeprefix("torch.")))
    ours = wengert.as_strided(memory, tuple(plain.shape), plain.stride(), plain.storage_offset()).detach()
    return ours.requires_grad_() if t.requires_grad else ours


NUMPY_WITHOUT = ("complex32", "complex64", "complex128", "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2")


class Untranslatable(Exception):
    """Something of torch's that has no counterpart here."""


#: Operators whose values say nothing: memory that nobody wrote.
UNWRITTEN = ("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided")

def to_ours(value):
    if isinstance(value, torch.Tensor):
        if value.layout is not torch.strided or str(value.dtype).removeprefix("torch.") in NUMPY_WITHOUT or value.device.type != "cpu":
            raise Untranslatable(f"a tensor of {value.dtype}, {value.layout}, {value.device}")
        return tensor_to_ours(value)
    if isinstance(value, torch.Size):
        return wengert.Size(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(to_ours, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(to_ours, value))
    if isinstance(value, dict):
        return {k: to_ours(v) for k, v in value.items()}
    if isinstance(value, slice):
        return slice(to_ours(value.start), to_ours(value.stop), to_ours(value.step))
    if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
        name = str(value).removeprefix("torch.")
        if not hasattr(wengert, name):
            raise Untranslatable(str(value))
        return getattr(wengert, name)
    if isinstance(value, torch.device):
        return wengert.device(str(value))
    if isinstance(value, torch.Generator):
        return wengert.Generator()
    if isinstance(value, (types.FunctionType, functools.partial, types.BuiltinFunctionType)):
        return function_to_ours(value)
    return value


def lookup(path):
    found = wengert
    for part in path.split("."):
        found = getattr(found, part)
    return found


def function_to_ours(f, depth=0):
    """A function of torch's by its name; one of the test data with our library in place of torch."""
    if isinstance(f, functools.partial):
        return functools.partial(function_to_ours(f.func), *map(to_ours, f.args), **to_ours(f.keywords))
    module = getattr(f, "__module__", None) or ""
    if isinstance(f, types.FunctionType) and (module.startswith("torch.testing") or f.__name__ == "<lambda>"):
        swapped = {"torch": wengert, "F": wengert.nn.functional, "freeze_rng_state": contextlib.nullcontext}
        for name in f.__code__.co_names:
            other = f.__globals__.get(name)
            if name not in swapped and isinstance(other, types.FunctionType) and other.__module__.startswith("torch.testing") and depth < 4 and other is not f:
                swapped[name] = function_to_ours(other, depth + 1)
        cells = tuple(types.CellType(to_ours(c.cell_contents)) for c in f.__closure__ or ())
        ours = types.FunctionType(f.__code__, {**f.__globals__, **swapped}, f.__name__, f.__defaults__, cells)
        ours.__kwdefaults__ = f.__kwdefaults__
        return ours
    if isinstance(f, (types.MethodDescriptorType, types.WrapperDescriptorType)) or getattr(torch.Tensor, getattr(f, "__name__", ""), None) is f:
        return getattr(wengert.Tensor, f.__name__)
    name = f.__name__
    for space, prefix in ((torch, ""), (torch.nn.functional, "nn.functional."), (torch.linalg, "linalg."), (torch.special, "special.")):
        for public in (name, re.sub(r"^(linalg|special)_", "", name)):
            if getattr(space, public, None) is f:
                return lookup(prefix + public)
    import operator
    if getattr(operator, name, None) is f:
        return f
    if "torch" not in module:
        return f
    raise Untranslatable(f"the function {module}.{name}")


def variants(op):
    """(name, torch's function, ours): ours is None where wengert lacks it."""
    def ours_of(theirs, path):
        # the test data often wraps what it calls: by the path only if nothing is wrapped
        if isinstance(theirs, types.FunctionType) and (theirs.__module__.startswith("torch.testing") or theirs.__name__ == "<lambda>"):
            return function_to_ours(theirs)
        try:
            return lookup(path)
        except AttributeError:
            return function_to_ours(theirs)

    candidates = [("function", op.op, op.name), ("method", op.method_variant, "Tensor." + op.name.split(".")[-1]),
                  ("in-place", op.inplace_variant, "Tensor." + op.name.split(".")[-1] + "_"),
                  ("operator", op.operator_variant, None), ("in-place operator", op.inplace_operator_variant, None)]
    for name, theirs, path in candidates:
        if theirs is None:
            continue
        if path is None:
            yield name, theirs, theirs
            continue
        if name == "method" and isinstance(theirs, types.MethodDescriptorType):
            path = "Tensor." + theirs.__name__
        try:
            ours = ours_of(theirs, path)
        except (AttributeError, Untranslatable):
            ours = None
        yield name, theirs, ours


# ---- comparing ---------------------------------------------------------------------------------------------------


class Difference(Exception):
    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def array(t):
    """Of either library's tensor, in a type that compares exactly."""
    t = t.detach()
    if isinstance(t, torch.Tensor):
        t = t.resolve_neg()
        if t.dtype == torch.bfloat16:
            t = t.float()
        return t.numpy()
    if t.dtype == wengert.bfloat16:
        t = t.float()
    return t.numpy()


def compare_values(ours, theirs, dtype, what, scale=1):
    a, b = array(ours), array(theirs)
    if dtype in TOLERANCES:
        rtol, atol = TOLERANCES[dtype]
        if dtype != "float64":                              # sums that cancel are as exact as their largest terms
            finite = np.abs(b[np.isfinite(b)]).astype(np.float64)
            atol *= max(1.0, float(finite.max()) if finite.size else 0.0)
        with np.errstate(all="ignore"):
            wrong = ~np.isclose(a.astype(np.float64), b.astype(np.float64), rtol*scale, atol*scale, equal_nan=True)
    else:
        wrong = a != b
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Difference("value", f"{what}: {int(wrong.sum())} of {wrong.size} differ, at {where} ours {a[where]!r}, torch's {b[where]!r}")


def dense_stride(t):
    """Strides that mean something: those of dimensions with more than one element."""
    return tuple(s for s, n in zip(t.stride(), t.shape) if n > 1) if t.numel() else ()


def compare(ours, theirs, what="result", strides=True, values=True):
    if isinstance(theirs, torch.Tensor):
        if not isinstance(ours, wengert.Tensor):
            raise Difference("type", f"{what}: ours is {type(ours).__name__}")
        mine, other = str(ours.dtype).removeprefix("wengert.").removeprefix("torch."), str(theirs.dtype).removeprefix("torch.")
        if tuple(ours.shape) != tuple(theirs.shape):
            raise Difference("shape", f"{what}: ours {tuple(ours.shape)}, torch's {tuple(theirs.shape)}")
        if mine != other:
            raise Difference("dtype", f"{what}: ours {mine}, torch's {other}")
        if values:
            compare_values(ours, theirs, other, what)
        if ours.requires_grad != theirs.requires_grad:
            raise Difference("requires_grad", f"{what}: ours {ours.requires_grad}, torch's {theirs.requires_grad}")
        if strides and dense_stride(ours) != dense_stride(theirs):
            raise Difference("stride", f"{what}: ours {ours.stride()}, torch's {theirs.stride()} of shape {tuple(theirs.shape)}")
    elif isinstance(theirs, (list, tuple)):
        if not isinstance(ours, (list, tuple)) or len(ours) != len(theirs):
            raise Difference("type", f"{what}: ours {type(ours).__name__}, torch's {type(theirs).__name__} of {len(theirs)}")
        for k, (a, b) in enumerate(zip(ours, theirs)):
            compare(a, b, f"{what}[{k}]", strides, values)
    elif isinstance(theirs, float):
        if not (ours == theirs or (ours != ours and theirs != theirs) or abs(ours - theirs) <= 1e-10*abs(theirs)):
            raise Difference("value", f"{what}: ours {ours!r}, torch's {theirs!r}")
    elif isinstance(theirs, (int, bool, str, type(None))):
        if ours != theirs:
            raise Difference("value", f"{what}: ours {ours!r}, torch's {theirs!r}")


def leaves_of(tree, kind):
    if isinstance(tree, kind):
        return [tree]
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in leaves_of(item, kind)]
    if isinstance(tree, dict):
        return [leaf for item in tree.values() for leaf in leaves_of(item, kind)]
    return []


def differentiate(lib, outputs, inputs, order):
    """Lists of first and (order 2) second derivatives."""
    def like(t, *seed):
        a = np.random.default_rng(seed).standard_normal(tuple(t.shape))
        return lib.tensor(a.reshape(-1).tolist(), dtype=t.dtype).reshape(tuple(t.shape))

    ys = [y for y in outputs if y.requires_grad]
    if not ys:
        return [], []
    direction = [like(y, 1, k).requires_grad_() for k, y in enumerate(ys)]
    first = list(lib.autograd.grad(ys, inputs, direction, create_graph=order == 2, allow_unused=True))
    kept = [(k, g) for k, g in enumerate(first) if g is not None and g.requires_grad]
    if order < 2 or not kept:
        return first, []
    return first, list(lib.autograd.grad([g for _, g in kept], [*inputs, *direction], [like(g, 2, k) for k, g in kept], allow_unused=True))


def compare_gradients(ours, theirs, kind):
    for k in range(max(len(ours), len(theirs))):
        a = ours[k] if k < len(ours) else None
        b = theirs[k] if k < len(theirs) else None
        if b is not None and b._is_zerotensor():
            b = torch.zeros(b.shape, dtype=b.dtype)
        if a is None or b is None:                          # none and zeros are the same
            if any(t is not None and np.any(np.abs(array(t)) > 1e-12) for t in (a, b)):
                raise Difference(kind, f"input {k}: one has none: {'ours' if a is None else 'torch'}")
            continue
        if tuple(a.shape) != tuple(b.shape):
            raise Difference(kind, f"input {k}: shape ours {tuple(a.shape)}, torch's {tuple(b.shape)}")
        try:
            compare_values(a, b, str(b.dtype).removeprefix("torch."), f"input {k}", 10 if b.dtype != torch.float64 else 1)
        except Difference as difference:
            raise Difference(kind, str(difference)) from None


# ---- running -----------------------------------------------------------------------------------------------------


def outcome(run):
    try:
        return "returned", run()
    except Untranslatable:
        raise
    except Exception as error:                              # every exception is an outcome to be compared
        return "raised", error


def first_line(error):
    return (str(error).splitlines() or [""])[0]


def short(sample):
    def show(v):
        if isinstance(v, torch.Tensor):
            return f"{str(v.dtype).removeprefix('torch.')}{list(v.shape)}"
        if isinstance(v, (list, tuple)):
            return "(" + ", ".join(map(show, v)) + ")"
        return repr(v)
    return ", ".join([show(sample.input), *map(show, sample.args), *(f"{k}={show(v)}" for k, v in sample.kwargs.items())])[:200]


def call(lib, f, variant, values):
    input, args, kwargs = values
    lib.manual_seed(0)
    if variant.startswith("in-place"):
        input = input.clone()
    return f(input, *args, **kwargs)


def run_sample(op, variant, theirs, ours, sample, dtype, report, order):
    """One sample with one variant."""
    def found(kind, text):
        report(variant, dtype, kind, f"{text}   [{short(sample)}]")

    try:
        mine = to_ours((sample.input, sample.args, sample.kwargs))
        process = to_ours(sample.output_process_fn_grad)
    except Untranslatable:
        return report(variant, dtype, "skipped", "")
    other = (sample.input, sample.args, sample.kwargs)
    expected = outcome(lambda: call(torch, theirs, variant, other))
    got = outcome(lambda: call(wengert, ours, variant, mine))
    if expected[0] == "raised":
        if got[0] == "returned" and not isinstance(expected[1], NotImplementedError):
            found("not raised", f"torch: {type(expected[1]).__name__}: {first_line(expected[1])}")
        return
    if got[0] == "raised":
        kind = "absent" if isinstance(got[1], NotImplementedError) and "not part of wengert" in str(got[1]) else "raised"
        return found(kind, f"{type(got[1]).__name__}: {first_line(got[1])}")
    try:
        a, b = got[1], expected[1]
        if sample.output_process_fn_grad is not None:
            a, b = process(a), sample.output_process_fn_grad(b)
        compare(a, b, values=op.name not in UNWRITTEN)
    except Difference as difference:
        found(difference.kind, str(difference))
        if difference.kind != "stride":
            return
    except Exception as error:
        return found("process", f"{type(error).__name__}: {first_line(error)}")
    if not order:
        return
    my_inputs = [t for t in leaves_of(mine, wengert.Tensor) if t.requires_grad]
    inputs = [t for t in leaves_of(other, torch.Tensor) if t.requires_grad]
    my_outputs, outputs = leaves_of(a, wengert.Tensor), leaves_of(b, torch.Tensor)
    if not inputs or not any(y.requires_grad for y in outputs):
        return
    if any(y.is_complex() for y in outputs):
        return
    for n in range(1, order + 1):
        fresh = outcome(lambda: differentiate(torch, outputs, inputs, n))
        if fresh[0] == "raised":
            return
        mine_too = outcome(lambda: differentiate(wengert, my_outputs, my_inputs, n))
        kind = ("gradient", "second gradient")[n - 1]
        if mine_too[0] == "raised":
            return found(kind, f"{type(mine_too[1]).__name__}: {first_line(mine_too[1])}")
        try:
            compare_gradients(mine_too[1][0], fresh[1][0], "gradient" if n == 1 else "gradient by formula")
            compare_gradients(mine_too[1][1], fresh[1][1], kind)
        except Difference as difference:
            return found(difference.kind, str(difference))
        if n < order:                                       # the sweep has released what it needed: once more
            expected2 = outcome(lambda: call(torch, theirs, variant, other))[1]
            got2 = outcome(lambda: call(wengert, ours, variant, mine))[1]
            outputs = leaves_of(sample.output_process_fn_grad(expected2) if sample.output_process_fn_grad else expected2, torch.Tensor)
            my_outputs = leaves_of(process(got2) if process else got2, wengert.Tensor)


def run_out(op, theirs, ours, sample, dtype, report):
    """`out=` an empty tensor of the result's dtype, or several."""
    def empty(lib, result):
        if isinstance(result, torch.Tensor):
            return lib.empty(0, dtype=getattr(lib, str(result.dtype).removeprefix("torch.")))
        return tuple(empty(lib, r) for r in result)

    try:
        mine = to_ours((sample.input, sample.args, sample.kwargs))
    except Untranslatable:
        return
    with torch.no_grad(), wengert.no_grad():
        result = outcome(lambda: call(torch, theirs, "function", (sample.input, sample.args, sample.kwargs)))
        if result[0] == "raised" or not leaves_of(result[1], torch.Tensor):
            return
        out = empty(torch, result[1])
        expected = outcome(lambda: call(torch, theirs, "function", (sample.input, sample.args, {**sample.kwargs, "out": out})))
        if expected[0] == "raised":
            return
        mine_out = empty(wengert, result[1])
        got = outcome(lambda: call(wengert, ours, "function", (*mine[:2], {**mine[2], "out": mine_out})))
        if got[0] == "raised":
            return report("out", dtype, "raised", f"{type(got[1]).__name__}: {first_line(got[1])}   [{short(sample)}]")
        try:
            if op.name not in UNWRITTEN and sample.output_process_fn_grad is None:
                compare(mine_out, out)
        except Difference as difference:
            report("out", dtype, difference.kind, f"{difference}   [{short(sample)}]")


def run_errors(op, theirs, ours, report):
    for error in op.error_inputs("cpu"):
        sample = error.sample_input
        try:
            mine = to_ours((sample.input, sample.args, sample.kwargs))
        except Untranslatable:
            continue
        expected = outcome(lambda: call(torch, theirs, "function", (sample.input, sample.args, sample.kwargs)))
        got = outcome(lambda: call(wengert, ours, "function", mine))
        if expected[0] == "returned":
            continue
        text = f"torch: {type(expected[1]).__name__}: {first_line(expected[1])}   [{short(sample)}]"
        if got[0] == "returned":
            report("error", "", "not raised", text)
        elif not isinstance(got[1], error.error_type if isinstance(error.error_type, type) else tuple(error.error_type)):
            report("error", "", "error type", f"ours: {type(got[1]).__name__}: {first_line(got[1])}; {text}")
        elif not re.search(error.error_regex, str(got[1])):
            report("error", "", "error text", f"ours: {first_line(got[1])}; {text}")


def run_op(op, dtypes, limit=None, order=2, reference=False):
    """All findings: a list of (variant, dtype, kind, text), and how many samples ran."""
    findings, count = [], Counter()

    def report(variant, dtype, kind, text):
        findings.append((variant, dtype, kind, text))

    every = list(variants(op))
    for variant, _, ours in every:
        if ours is None:
            report(variant, "", "missing", "")
    supported = {str(d).removeprefix("torch.") for d in op.supported_dtypes("cpu")}
    differentiable = {str(d).removeprefix("torch.") for d in op.supported_backward_dtypes("cpu")} if op.supports_autograd else set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dtype in dtypes:
            if dtype not in supported:
                continue
            grad = dtype in ("float64", "float32") and dtype in differentiable
            make = op.reference_inputs if reference else op.sample_inputs
            samples = list(make("cpu", getattr(torch, dtype), requires_grad=grad))
            if limit and len(samples) > limit:
                samples = [samples[int(k*len(samples)/limit)] for k in range(limit)]
            for sample in samples:
                count["samples"] += 1
                for variant, theirs, ours in every:
                    if ours is None or (variant.startswith("in-place") and sample.broadcasts_input):
                        continue
                    depth = (order if dtype == "float64" else 1) if grad and variant in ("function", "in-place") else 0
                    run_sample(op, variant, theirs, ours, sample, dtype, report, depth)
                if op.supports_out and every[0][2] is not None and dtype in ("float64", "int64"):
                    run_out(op, every[0][1], every[0][2], sample, dtype, report)
        if op.error_inputs_func is not None and every[0][2] is not None:
            run_errors(op, every[0][1], every[0][2], report)
    return findings, count["samples"]


def isolated(op, seconds, **options):
    """run_op in a forked process; returns (pid, file descriptor)."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    os.close(reader)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)
    try:
        torch.set_num_threads(1)
        try:
            answer = run_op(op, **options)
        except Exception as error:
            import traceback
            answer = [("harness", "", "harness", f"{type(error).__name__}: {error} {traceback.format_exc().splitlines()[-3:]}")], 0
        text = json.dumps(answer).encode()
        while text:
            text = text[os.write(writer, text):]
    finally:
        os._exit(0)


def run_all(ops, jobs=1, seconds=120, **options):
    """Yields (name, findings, samples) as they come."""
    waiting, running = list(ops), {}
    while waiting or running:
        while waiting and len(running) < jobs:
            op = waiting.pop(0)
            pid, reader = isolated(op, seconds, **options)
            running[reader] = (op, pid, [], time.time())
        for reader in select.select(list(running), [], [])[0]:
            chunk = os.read(reader, 1 << 16)
            op, pid, chunks, began = running[reader]
            if chunk:
                chunks.append(chunk)
                continue
            status = os.waitpid(pid, 0)[1]
            os.close(reader)
            del running[reader]
            name = op.name + ("." + op.variant_test_name if op.variant_test_name else "")
            if status or not chunks:
                why = os.waitstatus_to_exitcode(status)
                yield name, [["process", "", "timeout" if why == -signal.SIGALRM else "crash", f"exit code {why}"]], 0
            else:
                yield name, *json.loads(b"".join(chunks))


def select_ops(names):
    return [op for op in data.op_db if not names or op.name in names or any(n.endswith("*") and op.name.startswith(n[:-1]) for n in names)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ops", nargs="*")
    parser.add_argument("--dtypes", default=",".join(DTYPES))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--order", type=int, default=2)
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--verbose", type=int, default=1, help="texts shown of each kind")
    options = parser.parse_args()
    total, bad, kinds = 0, 0, Counter()
    for name, findings, count in run_all(select_ops(options.ops), options.jobs, dtypes=options.dtypes.split(","), limit=options.limit,
                                         order=options.order, reference=options.reference):
        total += count
        groups = defaultdict(list)
        for variant, dtype, kind, text in findings:
            if kind != "skipped":
                groups[variant, kind].append((dtype, text))
        bad += bool(groups)
        for (variant, kind), texts in groups.items():
            kinds[kind] += 1
            dtypes = Counter(d for d, _ in texts)
            print(f"{name} | {variant} | {kind} | " + " ".join(f"{d}:{n}" for d, n in dtypes.items()))
            for _, text in texts[:options.verbose]:
                print("      ", text)
        sys.stdout.flush()
    print(f"{total} samples, {bad} operators with findings:", dict(kinds))


if __name__ == "__main__":
    main()
