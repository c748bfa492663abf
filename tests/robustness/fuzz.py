"""Calls everything public with hostile arguments: ``python fuzz.py SEED COUNT [LOG]``.

Writes each call to LOG before it is made, so that after a crash or a hang the last line says what was called; ends with a
report of what was no ordinary outcome: an exception that means a mistake of ours, an exception that could not be raised, a
mode left switched.
"""
import faulthandler
import gc
import inspect
import os
import random
import re
import sys
import time
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import hostile_values as values
import shaped_calls

import wengert
from wengert import _core, nn

# Not called: what ends, replaces or reads the process and its files, installs callbacks for the whole library, or starts processes.
LEFT_OUT = re.compile(r"""(^|\.)(save|load|hub|multiprocessing|compile|_set_\w+|_add_method|_register_plain_type|_restore_mode|make_ops|set_default_\w+
    |set_num_threads|set_num_interop_threads|set_printoptions|register_module_\w+|share_memory_?|_exit|warmup|spawn|set_warn_always|_init|trace|script
    |set_sharing_strategy|annotate|DataLoader|get_worker_info|gradcheck|gradgradcheck|checkpoint\w*|set_anomaly_enabled|detect_anomaly|_foreach
    |use_deterministic_algorithms|set_deterministic_debug_mode|set_flush_denormal|manual_seed_all|main|run_module|__main__|random_fill
    |set_detect_anomaly|_push_\w+|_pop_\w+|_restore_\w+|saved_tensors_hooks|arange_into|linspace_into|tofile)$""", re.X)

ORDINARY_NOT = (SystemError, NameError, UnboundLocalError)


def targets():
    """Everything to be called, as (expression, kind of first argument or None)."""
    found = {}

    def add(path, value, first=None):
        if LEFT_OUT.search(path) or not callable(value) or (getattr(value, "__module__", None) or "wengert").split(".")[0] not in ("wengert", "builtins"):
            return
        found.setdefault(path, first)

    modules = ["wengert", "nn.functional", "wengert.linalg", "wengert.special", "wengert.autograd", "wengert.autograd.functional", "wengert.func", "nn.init",
               "nn.utils", "nn.utils.rnn", "nn.utils.parametrizations", "wengert._core", "wengert.utils.data", "wengert.overrides", "wengert.amp", "wengert.random"]
    names = values.namespace()
    for path in modules:
        try:
            module = eval(path, names)
        except AttributeError:
            continue
        for name in dir(module):
            if name.startswith("_") and path != "wengert._core" or name.startswith("__") or inspect.ismodule(getattr(module, name, None)):
                continue
            value = getattr(module, name, None)
            if isinstance(value, type) and issubclass(value, BaseException):
                continue
            add(f"{path}.{name}", value)
    for name in dir(wengert.Tensor):
        if name in ("__class__", "__init_subclass__", "__new__", "__subclasshook__", "__getattribute__", "__setattr__", "__delattr__", "__dir__"):
            continue
        add(f"wengert.Tensor.{name}", getattr(wengert.Tensor, name, None), "tensor")
    for path in ("nn", "wengert.optim", "wengert.optim.lr_scheduler", "wengert.distributions", "wengert.distributions.transforms"):
        module = eval(path, names)
        for name in dir(module):
            value = getattr(module, name, None)
            if isinstance(value, type) and not name.startswith("_"):
                add(f"{path}.{name}", value, "class")
    for cls in (wengert.Generator, _core.Program, _core.Op, _core.Saved, _core.Node, _core.Sweep, _core.Forward, _core.OperandList, _core.Mode,
                _core.inference_mode, _core.StepPlan, _core.HookedStep, _core.Factory, _core.Conversion, _core.Wrapper, wengert.dtype, wengert.Size, _core.Ext):
        name = cls.__name__ if hasattr(_core, cls.__name__) else None
        path = f"wengert._core.{name}" if name else f"wengert.{cls.__name__}"
        for method in dir(cls):
            if method not in ("__class__", "__init_subclass__", "__subclasshook__", "__getattribute__", "__dir__", "__setattr__", "__delattr__"):
                add(f"{path}.{method}", getattr(cls, method, None), path)
    return sorted(found.items(), key=lambda item: item[0])


def parameters(function):
    """Names of the parameters, where they can be found: of a row from its docstring."""
    doc = getattr(function, "__doc__", None) or ""
    if isinstance(function, _core.Op) and not hasattr(function, "__wrapped__"):
        line = random.choice([line for line in doc.splitlines() if line.startswith(function.name + "(")] or ["()"])
        inside = line[line.index("(") + 1:line.rindex(")")]
        return [(part.rsplit(" ", 1) + [""])[:2][::-1] if part != "*" else ("*", "") for part in inside.split(", ") if part]
    try:
        result = []
        for p in inspect.signature(function).parameters.values():
            if p.kind is p.KEYWORD_ONLY and ("*", "") not in result:
                result.append(("*", ""))
            if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
                result.append((p.name, ""))
        return result
    except (TypeError, ValueError):
        return []


def plausible(name, kind, rng):
    """An expression of about the right type for a parameter."""
    few = ["T(3, 3)", "T(4, 3)", "leaf(3, 3)", "T(3)", "computed(3, 3)", "leaf(3)"]
    if kind.startswith("Tensor") or name in ("self", "input", "x", "other", "weight", "target", "bias", "mat2", "query", "key", "value", "tensor", "source", "src",
                                             "values", "a", "b", "mask", "grad", "gradient", "index", "indices", "total", "out"):
        if name in ("index", "indices") and rng.random() < .6:
            return rng.choice(["wengert.tensor([[0, 1, 2], [2, 1, 0], [1, 1, 1]])", "wengert.tensor([0, 2, 1])", "T(3, dtype=i64)", "wengert.tensor([2**40, -1, 5])"])
        return rng.choice(few if rng.random() < .6 else values.TENSORS)
    if kind == "tuple of Tensors" or name in ("tensors", "parameters", "params", "roots", "inputs", "sequences"):
        return rng.choice(["[T(3, 3), T(3, 3)]", "[leaf(3, 3), leaf(3, 3)]", "[T(3)] * 3"] + values.SEQUENCES)
    if kind == "tuple of ints" or name in ("size", "shape", "sizes", "dims", "pad", "kernel_size", "normalized_shape"):
        return rng.choice(values.SHAPES + values.INTS[:8])
    if kind == "int" or name in ("dim", "dim0", "dim1", "n", "k", "num_classes", "chunks", "in_features", "out_features", "start", "end", "steps", "num_embeddings",
                                 "embedding_dim", "num_samples", "hidden_size", "input_size", "num_layers", "d_model", "nhead"):
        return rng.choice(values.INTS[:6] if rng.random() < .5 else values.INTS)
    if kind in ("float", "Number") or name in ("p", "eps", "lr", "alpha", "beta", "momentum", "weight_decay", "value", "min", "max", "std", "mean"):
        return rng.choice(values.FLOATS + values.INTS)
    if kind == "bool":
        return rng.choice(["True", "False"])
    if kind == "str":
        return rng.choice(["'mean'", "'sum'", "'none'", "'x'"])
    if kind == "torch.dtype" or name == "dtype":
        return rng.choice(["None", "f64", "i64", "wengert.bool", "wengert.float16", "wengert.int8", "float", "5"])
    if kind == "Generator" or name == "generator":
        return rng.choice(["None", "wengert.Generator()"])
    if name == "requires_grad":
        return rng.choice(["True", "False"])
    return anything(rng)


def anything(rng):
    pool = rng.choice([values.INTS, values.FLOATS, values.SHAPES, values.TENSORS, values.TENSORS, values.SEQUENCES, values.OTHER])
    return rng.choice(pool)


def make_arguments(function, rng, skip=0):
    known = parameters(function)[skip:]
    positional, keywords = [], []
    starred = False
    for name, kind in known:
        if name == "*":
            starred = True
            continue
        r = rng.random()
        if len(positional) + len(keywords) > 2 and r < .6 or r < .05:
            starred = True                               # the rest by name, or not at all
            if r < .5:
                continue
        text = plausible(name, kind, rng) if rng.random() < .75 else anything(rng)
        if starred:
            keywords.append(f"{name}={text}")
        else:
            positional.append(text)
    if not known:
        positional = [anything(rng) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4]))]
    if rng.random() < .05:
        keywords.append(f"out={rng.choice(values.TENSORS)}")
    if rng.random() < .04:
        keywords.append(f"{rng.choice(['dim', 'dtype', 'size', 'generator', 'x', 'self', 'axis', 'keepdim', 'inplace'])}={anything(rng)}")
    if rng.random() < .03 and positional:
        positional[-1] = "*" + rng.choice(values.SEQUENCES)
    return ", ".join(positional + keywords)


def key(rng):
    part = lambda: rng.choice(values.INTS[:6] + ["None", "...", ":", "::2", "1:", ":0", "Does(V.data):2", "::Does(V.resize)", "::0", "2**70:", ":-2**70", "True", "False",
                                               "Does(V.view)", "T(3, dtype=i64)", "T(3, dtype=wengert.bool)", "T(dtype=i64)", "[0, 1]", "[[0], [1]]", "wengert.tensor([2**62, 0])",
                                               "wengert.tensor([0, 2, 1])", "T(4, 3, dtype=wengert.bool)", "T(3, dtype=wengert.uint8)"] + [anything(rng)])
    return ", ".join(part() for _ in range(rng.choice([1, 1, 2, 2, 3, 4, 30])))


def make_call(found, rng, names):
    """The text of one call."""
    if rng.random() < .25:
        return shaped_calls.call(names, rng)
    r = rng.random()
    if r < .12:
        x = rng.choice(["V.x", "V.w", "T(4, 3)", "computed(4, 3)", "T(2, 3, 4)"] + values.TENSORS)
        if rng.random() < .5:
            return f"{x}[{key(rng)}]"
        return f"set_item({x}, index[{key(rng)}], {anything(rng)})"
    if r < .17:
        op = rng.choice(["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>", "<", "==", "!=", ">="])
        left, right = rng.choice(values.TENSORS), anything(rng)
        return f"({left}) {op} ({right})" if rng.random() < .7 else f"({right}) {op} ({left})"
    if r < .22:
        name = rng.choice([n for n in dir(wengert.Tensor) if not n.startswith("__")])
        if name in ("share_memory_",):
            name = "data"
        return f"setattr({rng.choice(values.TENSORS)}, {name!r}, {anything(rng)})" if rng.random() < .6 else f"getattr({rng.choice(values.TENSORS)}, {name!r})"
    if r < .25:
        return f"({rng.choice(values.TENSORS)}).backward({', '.join(anything(rng) for _ in range(rng.randrange(3)))})"
    if r < .29:
        name = rng.choice(values.OF_HUGE)
        return f"wengert.Tensor.{name}({', '.join(filter(None, [rng.choice(values.HUGE), make_arguments(getattr(wengert.Tensor, name), rng, skip=1)]))})"
    path, kind = rng.choice(found)
    function = eval(path, names)
    if kind == "tensor":
        first = rng.choice(values.TENSORS if rng.random() < .93 else values.OTHER)
        return f"{path}({', '.join(filter(None, [first, make_arguments(function, rng, skip=1)]))})"
    if kind == "class":
        text = f"{path}({make_arguments(function, rng)})"
        r = rng.random()
        if r < .1:
            return f"{path}.__new__({path}).{rng.choice([n for n in dir(function) if not n.startswith('__')] or ['x'])}"
        if path.startswith("nn.") and r < .8:
            return f"tried({text})({rng.choice(values.TENSORS)}{', ' + anything(rng) if rng.random() < .3 else ''})"
        if "distributions" in path and r < .8:
            method = rng.choice(["sample", "rsample", "log_prob", "cdf", "icdf", "entropy", "expand", "enumerate_support", "mean", "inv", "__call__"])
            return f"tried({text}).{method}({anything(rng) if rng.random() < .7 else ''})"
        if "optim" in path and r < .9:
            return f"stepped({text.replace('(', '([leaf(3, 3), leaf(3)], ', 1) if rng.random() < .8 else text})"
        return text
    if kind:
        first = rng.choice([kind.rsplit(".", 1)[0] + f".{kind.rsplit('.', 1)[1]}.__new__({kind})", f"{kind}()", "wengert.Generator()", anything(rng)])
        return f"{path}({', '.join(filter(None, [first, make_arguments(function, rng, skip=1)]))})"
    return f"{path}({make_arguments(function, rng)})"


class Index:
    def __getitem__(self, key):
        return key


def set_item(x, key, value):
    x[key] = value


def stepped(optimizer):
    """A step, whatever it is that was made."""
    for group in getattr(optimizer, "param_groups", ()):
        for p in group["params"]:
            p.grad = p.detach().clone()
    optimizer.step()
    state = optimizer.state_dict()
    optimizer.load_state_dict(state)
    optimizer.step()
    return optimizer


def use(result, depth=0):
    """Looks at a result, and sweeps through it."""
    if isinstance(result, wengert.Tensor):
        if _core.Tensor.numel(result) > 1 << 20:
            return
        repr(result)
        if result.requires_grad:
            result.sum().backward()
        else:
            result.sum()
    elif isinstance(result, (tuple, list)) and depth < 3:
        for r in result[:20]:
            use(r, depth + 1)
    else:
        repr(result)


def limit_memory(megabytes):
    try:
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    except (ImportError, ValueError, OSError):
        pass


def main(seed, count, log):
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) if log else 2
    wrong = []
    if not os.environ.get("LD_PRELOAD"):                   # the sanitizer's own shadow takes terabytes of addresses
        limit_memory(4096)
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda u: wrong.append(f"unraisable {u.exc_type.__name__}: {u.exc_value} in {u.object!r:.100}")
    names = values.namespace()
    found = targets()
    outcomes = {}
    null = open(os.devnull, "w")
    rng = random.Random(seed)
    for i in range(count):
        names = values.namespace()
        names.update(index=Index(), set_item=set_item, stepped=stepped, tried=lambda x: x, misused=shaped_calls.misused(wengert), changed_state=shaped_calls.changed_state(stepped))
        random.seed(rng.random())
        text = make_call(found, rng, names)
        if "array(" in text and re.search(r"cleared\(\)|grown\(\)", text):
            continue                                       # NumPy itself crashes: np.zeros(3) <= a list that is emptied meanwhile
        os.write(out, (f"{i}: {text}\n").encode())
        if "-v" in sys.argv:
            faulthandler.dump_traceback_later(40, exit=True)
        begin = time.perf_counter()
        stdout, sys.stdout = sys.stdout, null
        try:
            result = eval(text, names)
            use(result)
            outcome = "returned"
        except SyntaxError:
            outcome = "no expression"
        except ORDINARY_NOT as error:
            outcome = type(error).__name__
            wrong.append(f"{text}: {type(error).__name__}: {error}")
        except Exception as error:
            outcome = type(error).__name__
        finally:
            sys.stdout = stdout
        result = None
        if _core._mode_word() != 0:
            if not re.search("set_grad_enabled|inference_mode|anomaly|saved|__enter__|no_grad|enable_grad|__exit__|_set_grad", text):
                wrong.append(f"{text}: the mode word is {_core._mode_word()}")
            _core._restore_mode(0)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        took = time.perf_counter() - begin
        if took > 1:
            os.write(out, f"   took {took:.1f} s\n".encode())
            if "-v" in sys.argv:
                print(f"{took:.1f} s: {i}: {text}", flush=True)
        if i % 500 == 0:
            gc.collect()
    print(outcomes)
    for line in wrong:
        print("WRONG", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
