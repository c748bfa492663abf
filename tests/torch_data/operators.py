"""`op_db`: every sample of an operator as function, method, in-place method and operator, and with out=; values, dtypes, shapes and
strides; first and second derivatives in directions drawn at random; for wrong inputs the exception's type and message."""
import itertools
import re
import types
import warnings
from collections import Counter

import torch
from torch.testing._internal import common_methods_invocations as data

import wengert

from .compare import Difference, compare, compare_gradients, differentiate, first_line, leaves_of, outcome
from .translate import Untranslatable, function_to_ours, lookup, to_ours

DTYPES = ("float64", "float32", "int64", "int32", "uint8", "bool", "float16", "bfloat16")
#: Operators whose values say nothing: memory that nobody wrote.
UNWRITTEN = ("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided")


def attempt(run):
    return outcome(run, Untranslatable)


def full_name(op):
    return op.name + ("." + op.variant_test_name if op.variant_test_name else "")


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
    expected = attempt(lambda: call(torch, theirs, variant, other))
    got = attempt(lambda: call(wengert, ours, variant, mine))
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
        fresh = attempt(lambda: differentiate(torch, outputs, inputs, n))
        if fresh[0] == "raised":
            return
        mine_too = attempt(lambda: differentiate(wengert, my_outputs, my_inputs, n))
        kind = ("gradient", "second gradient")[n - 1]
        if mine_too[0] == "raised":
            return found(kind, f"{type(mine_too[1]).__name__}: {first_line(mine_too[1])}")
        try:
            compare_gradients(mine_too[1][0], fresh[1][0], "gradient" if n == 1 else "gradient by formula")
            compare_gradients(mine_too[1][1], fresh[1][1], kind)
        except Difference as difference:
            return found(difference.kind, str(difference))
        if n < order:                                       # the sweep has released what it needed: once more
            expected2 = attempt(lambda: call(torch, theirs, variant, other))[1]
            got2 = attempt(lambda: call(wengert, ours, variant, mine))[1]
            outputs = leaves_of(sample.output_process_fn_grad(expected2) if sample.output_process_fn_grad else expected2, torch.Tensor)
            my_outputs = leaves_of(process(got2) if process else got2, wengert.Tensor)


#: name of the variant -> from the results of either library the tensors to write into
OUTS = {
    "out": lambda lib, result: lib.empty(0, dtype=dtype_in(lib, result)),
    "out of strides": lambda lib, result: lib.empty([2*n for n in result.shape], dtype=dtype_in(lib, result))[tuple(slice(None, None, 2) for _ in result.shape)],
    "out transposed": lambda lib, result: lib.empty(tuple(result.shape)[::-1], dtype=dtype_in(lib, result)).permute(tuple(reversed(range(result.dim())))),
    "out of another shape": lambda lib, result: lib.ones([*result.shape, 2], dtype=dtype_in(lib, result)),
    "out of wider dtype": lambda lib, result: lib.empty(tuple(result.shape), dtype=lib.float64 if dtype_in(lib, result) != lib.float64 else lib.float32),
    "out of lesser dtype": lambda lib, result: lib.empty(tuple(result.shape), dtype=lib.int64 if result.dtype.is_floating_point else lib.bool),
    "out that requires grad": lambda lib, result: lib.empty(tuple(result.shape), dtype=dtype_in(lib, result)).requires_grad_(),
}


#: torch writes beyond the memory of an out= with strides of its own: only `out` of no elements is tried.
TORCH_CRASHES = ("linalg.lu", "lu_unpack", "tril", "triu", "multinomial")


def dtype_in(lib, result):
    return getattr(lib, str(result.dtype).removeprefix("torch."))


def run_out(op, theirs, ours, sample, dtype, report, kinds=OUTS):
    """`out=`: what is written, in which strides; what is resized with a warning; what is refused."""
    def made(lib, results, make):
        return make(lib, results) if isinstance(results, torch.Tensor) else tuple(made(lib, r, make) for r in results)

    try:
        mine = to_ours((sample.input, sample.args, sample.kwargs))
    except Untranslatable:
        return
    with torch.no_grad(), wengert.no_grad():
        result = attempt(lambda: call(torch, theirs, "function", (sample.input, sample.args, sample.kwargs)))
        if result[0] == "raised" or not leaves_of(result[1], torch.Tensor) or any(t.is_complex() for t in leaves_of(result[1], torch.Tensor)):
            return
    for variant in kinds:
        graded = variant == "out that requires grad"
        if graded and not all(t.dtype.is_floating_point for t in leaves_of(result[1], torch.Tensor)):
            continue
        answers = []
        for lib, f, values in ((wengert, ours, mine), (torch, theirs, (sample.input, sample.args, sample.kwargs))):
            with lib.set_grad_enabled(graded), warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                if lib is torch:
                    torch._C._set_warnAlways(True)
                out = made(lib, result[1], OUTS[variant])
                answer = attempt(lambda: call(lib, f, "function", (values[0], values[1], {**values[2], "out": out})))
            answers.append((*answer, out, [str(w.message).split(".")[0] for w in told if issubclass(w.category, UserWarning)]))
        (mine_kind, got, my_out, my_told), (kind, expected, out, told) = answers
        text = f"   [{short(sample)}]"
        if mine_kind != kind:
            error = got if mine_kind == "raised" else expected
            report(variant, dtype, "raised" if mine_kind == "raised" else "not raised", f"{type(error).__name__}: {first_line(error)}{text}")
        elif kind == "raised":
            if type(got).__name__ != type(expected).__name__ or first_line(got) != first_line(expected):
                report(variant, dtype, "error text", f"ours: {type(got).__name__}: {first_line(got)}; torch: {type(expected).__name__}: {first_line(expected)}{text}")
        else:
            try:
                if op.name not in UNWRITTEN and sample.output_process_fn_grad is None:
                    compare(my_out, out)
                if (got is my_out) != (expected is out) and isinstance(out, torch.Tensor):
                    report(variant, dtype, "type", f"out itself is {'not ' if got is not my_out else ''}returned{text}")
                resized = "An output with one or more elements was resized"
                if any(t.startswith(resized) for t in told) != any(t.startswith(resized) for t in my_told):
                    report(variant, dtype, "warning", f"ours {my_told}, torch's {told}{text}")
            except Difference as difference:
                report(variant, dtype, difference.kind, f"{difference}{text}")


def run_errors(op, theirs, ours, report):
    for error in op.error_inputs("cpu"):
        sample = error.sample_input
        try:
            mine = to_ours((sample.input, sample.args, sample.kwargs), {"memory": {}})
        except Untranslatable:
            continue
        expected = attempt(lambda: call(torch, theirs, "function", (sample.input, sample.args, sample.kwargs)))
        got = attempt(lambda: call(wengert, ours, "function", mine))
        if expected[0] == "returned":
            continue
        text = f"torch: {type(expected[1]).__name__}: {first_line(expected[1])}   [{short(sample)}]"
        if got[0] == "returned":
            report("error", "", "not raised", text)
        elif not isinstance(got[1], error.error_type if isinstance(error.error_type, type) else tuple(error.error_type)):
            report("error", "", "error type", f"ours: {type(got[1]).__name__}: {first_line(got[1])}; {text}")
        elif not re.search(error.error_regex, str(got[1])):
            report("error", "", "error text", f"ours: {first_line(got[1])}; {text}")


def run_op(op, dtypes=DTYPES, limit=None, order=2, reference=False):
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
            samples = make("cpu", getattr(torch, dtype), requires_grad=grad)
            for sample in itertools.islice(samples, 0, 2*limit, 2) if limit else samples:
                count["samples"] += 1
                for variant, theirs, ours in every:
                    if ours is None or (variant.startswith("in-place") and sample.broadcasts_input):
                        continue
                    depth = (order if dtype == "float64" else 1) if grad and variant in ("function", "in-place") else 0
                    run_sample(op, variant, theirs, ours, sample, dtype, report, depth)
                if op.supports_out and every[0][2] is not None and dtype in ("float64", "float32", "int64"):
                    run_out(op, every[0][1], every[0][2], sample, dtype, report, OUTS if dtype == "float32" and op.name not in TORCH_CRASHES else ("out",))
        if op.error_inputs_func is not None and every[0][2] is not None:
            run_errors(op, every[0][1], every[0][2], report)
    return findings, count["samples"]


def select(names):
    """name -> function that runs it; a name that ends in * stands for all that begin so."""
    return {full_name(op): (lambda op=op, **options: run_op(op, **options)) for op in data.op_db
            if not names or any(op.name.startswith(n[:-1]) if n.endswith("*") else n in (op.name, full_name(op)) for n in names)}
