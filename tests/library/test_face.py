"""The parts of PyTorch's face around the engine: accepted where harmless, clear errors where not."""
import os
import pydoc
import subprocess
import sys
import warnings

import numpy as np
import pytest
from against_torch import outcome, torch

import wengert
import wengert.backends.cudnn
import wengert.cuda.amp
import wengert.multiprocessing


def close(text):
    """The same value up to rounding, or the same error, from both libraries."""
    results = []
    for lib in (wengert, torch):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.append(outcome(lib, lambda lib: eval(text, {"t": lib})))
    ours, theirs = results
    assert ours[0] == theirs[0], results
    if theirs[0] == "raised":
        assert ours == theirs
    else:
        compare(ours[1], theirs[1])


def compare(ours, theirs):
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            compare(a, b)
    elif isinstance(theirs, tuple) and len(theirs) == 4 and isinstance(theirs[3], list):
        assert ours[:2] == theirs[:2]
        np.testing.assert_allclose(np.array(ours[3], dtype=float), np.array(theirs[3], dtype=float), rtol=1e-6, atol=1e-7)
    else:
        assert ours == theirs


MATRIX = "t.tensor([[4., 1., 0.], [1., 3., 1.], [0., 1., 2.]])"


@pytest.mark.parametrize("text", [
    f"t.det({MATRIX})", f"t.logdet({MATRIX})", f"t.logdet(-{MATRIX})", f"list(t.slogdet({MATRIX}))", f"t.inverse({MATRIX})",
    f"t.pinverse({MATRIX}[:2])", f"t.cholesky({MATRIX})", f"t.cholesky({MATRIX}, upper=True)",
    f"(lambda r: r.U @ t.diag(r.S) @ r.V.T)(t.svd({MATRIX}[:2].double()))", f"(lambda r: r[0] @ r[1])(t.qr({MATRIX}.double(), some=False))",
    "t.real(t.ones(2))", "t.imag(t.ones(2))", "t.angle(t.tensor([1., -2., 0., float('inf'), -float('inf'), float('nan')]))",
    "t.angle(t.tensor([1, -2]))", "t.positive(t.ones(2))", "t.positive(t.tensor(True))", "t.conj(t.ones(2))",
    "[t.is_conj(t.ones(2)), t.is_neg(t.ones(1)), t.is_inference(t.ones(1)), t.is_signed(t.ones(1)), t.get_device(t.ones(1))]",
    "[t.typename(t.ones(1)), t.typename(3), t.typename(dict)]", "t.combinations(t.tensor([5, 6, 7]))",
    "t.combinations(t.tensor([5., 6., 7.]), 3, True)", "t.combinations(t.tensor([5]), 2)", "t.combinations(t.ones(2, 2))",
    "list(t.unravel_index(t.tensor([0, 5, 11]), (3, 4)))", "t.vander(t.tensor([1., 2., 3.]))", "t.vander(t.tensor([1, 2]), 4, True)",
    "t.cumulative_trapezoid(t.arange(12.).view(3, 4))", "t.cumulative_trapezoid(t.arange(12.).view(3, 4) ** 2, dx=.5, dim=0)",
    "t.cumulative_trapezoid(t.arange(12.).view(3, 4) ** 2, t.tensor([0., 1., 3., 4.]))",
    "t.ldexp(t.tensor([1., 2.]), t.tensor([3, -1]))", "t.mvlgamma(t.tensor([3.5, 4.]), 3)",
    *(f"t.{name}_window({args})" for name in ("hann", "hamming", "blackman", "bartlett")
      for args in ("7", "6, False", "1", "0", "-1", "4, dtype=t.float64")),
    "t.cosine_similarity(t.ones(2, 3), t.arange(6.).view(2, 3))", "t.zero_(t.ones(2))", "t.layer_norm(t.arange(4.), (4,))",
    "[t.pi, t.e, t.inf, t.newaxis]", "[t.polygamma(n, t.tensor([2., 3.])) for n in range(4)]",
])
def test_names_of_the_top_level(text):
    close(text)


@pytest.mark.parametrize("text", [
    "t.compile(lambda x: x + 1)(t.ones(2))", "t.compile(mode='reduce-overhead')(lambda x: x * 2)(t.ones(2))",
    "list(t.compile(t.nn.Linear(2, 2), fullgraph=True)(t.ones(1, 2)).shape)", "t.compile(lambda: 0, mode='x')",
    "t.compile(lambda: 0, mode='default', options={})",
    "t.jit.script(lambda: 3)() if t.__name__ == 'wengert' else 3", "t.jit.is_scripting()", "t.jit.annotate(int, 3)",
    "t.jit.isinstance([1], __import__('typing').List[int])", "t.jit.wait(t.jit.fork(lambda x: x + 1, t.ones(1)))", "t.compiler.is_compiling()",
    "t.compiler.disable(lambda: 3)()", "t.jit.freeze(t.nn.Linear(1, 1)) if t.__name__ == 'wengert' else t.jit.freeze(t.jit.script(t.nn.Linear(1, 1)))",
])
def test_what_would_compile(text):
    close(text)


def test_compiling_changes_nothing():
    module = wengert.nn.Linear(2, 2)
    assert wengert.compile(module) is module
    assert wengert.jit.script(module) is wengert.jit.trace(module, wengert.ones(1, 2)) is module
    assert wengert.jit.ignore(len) is wengert.jit.ignore()(len) is len
    with pytest.raises(AssertionError, match="callable function is expected"):
        wengert.compile(3)
    with pytest.raises(RuntimeError, match="Invalid backend: 'zz'"):
        wengert.compile(module, backend="zz")


def test_settings_are_remembered():
    assert not wengert.are_deterministic_algorithms_enabled()
    try:
        wengert.use_deterministic_algorithms(True, warn_only=True)
        assert wengert.are_deterministic_algorithms_enabled() and wengert.is_deterministic_algorithms_warn_only_enabled()
        wengert.set_deterministic_debug_mode("error")
        assert wengert.get_deterministic_debug_mode() == 2
    finally:
        wengert.use_deterministic_algorithms(False)
    assert wengert.get_float32_matmul_precision() == "highest"
    try:
        wengert.set_float32_matmul_precision("high")
        assert wengert.get_float32_matmul_precision() == "high"
    finally:
        wengert.set_float32_matmul_precision("highest")
    with pytest.warns(UserWarning, match="x is not one of"):
        wengert.set_float32_matmul_precision("x")
    with pytest.raises(TypeError, match="must be bool, not str"):
        wengert.use_deterministic_algorithms("a")
    with pytest.raises(RuntimeError, match="expects a positive integer"):
        wengert.set_num_interop_threads(0)
    wengert.set_num_interop_threads(3)
    assert wengert.get_num_interop_threads() == 3


def test_backends():
    cudnn = wengert.backends.cudnn
    cudnn.benchmark = True
    with cudnn.flags(deterministic=True):
        assert cudnn.deterministic and wengert.backends.cudnn.benchmark
    assert not cudnn.deterministic
    with pytest.raises(TypeError, match="unexpected keyword argument 'wrong'"), cudnn.flags(wrong=True):
        pass
    cudnn.benchmark = False
    wengert.backends.cuda.matmul.allow_tf32 = True
    assert wengert.backends.cuda.matmul.allow_tf32
    b = wengert.backends
    assert not any(m.is_available() for m in (b.cudnn, b.mkl, b.mkldnn, b.mps, b.openmp)) and not b.mps.is_built() and not b.cuda.is_built()


def test_mixed_precision_is_off():
    x = wengert.ones(2, requires_grad=True)
    scaler = wengert.GradScaler(enabled=False)
    optimizer = wengert.optim.SGD([x], lr=1.0)
    with wengert.autocast("cpu", enabled=False), wengert.autocast("cuda", enabled=False), wengert.autocast("cpu", wengert.float32):
        loss = (x * x).sum()
    assert loss.dtype is wengert.float32
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert x.tolist() == [-1, -1] and scaler.get_scale() == 1.0 and scaler.state_dict() == {}
    with pytest.warns(UserWarning, match="CUDA is not available. Disabling"):
        assert wengert.cuda.amp.autocast()(lambda: 3)() == 3
    with pytest.warns(UserWarning, match="CUDA is not available. Disabling"):
        assert not wengert.cuda.amp.GradScaler().is_enabled()
    with pytest.raises(NotImplementedError, match="pass enabled=False"):
        wengert.autocast("cpu")
    with pytest.raises(NotImplementedError, match="pass enabled=False"):
        wengert.amp.GradScaler("cpu")
    with pytest.raises(RuntimeError, match="Expected one of cpu"):
        wengert.autocast("foo")


@pytest.mark.parametrize("name, said", [
    ("fft", "wengert has no torch.fft: transform with numpy.fft"), ("polar", "wengert has no torch.polar: numbers are real"),
    ("sparse_coo_tensor", "tensors are dense"), ("mtia", "CPU only"),
    ("nonsense", "module 'wengert' has no attribute 'nonsense'"),
])
def test_missing_names_say_what_to_do(name, said):
    with pytest.raises(AttributeError, match=said):
        getattr(wengert, name)
    assert not hasattr(wengert, name)


def test_forward_mode_is_missing_and_says_so():
    with pytest.raises(AttributeError, match="torch.func.jvp computes the same"):
        wengert.autograd.forward_ad


def test_help_lists_the_functions_of_namespaces_made_of_rows():
    for module, name in ((wengert.linalg, "vector_norm"), (wengert.special, "bessel_j0"), (wengert.ops, "sum_dim")):
        assert f"{name}(" in pydoc.render_doc(module, renderer=pydoc.plaintext)


def test_every_lent_name_exists():
    from wengert import _names
    for name in _names.names():
        if _names._PLACES.get(name) != "nn.functional":        # grows
            assert hasattr(wengert, name), name


@pytest.mark.parametrize("call", [
    lambda t: t.hub.load("a/b", "c"), lambda t: t.onnx.export(None, (), "f"), lambda t: t.jit.load("f"), lambda t: t.jit.save(None, "f"),
])
def test_what_there_is_not(call):
    with pytest.raises(NotImplementedError, match="wengert"):
        call(wengert)
    assert not wengert.distributed.is_available() and not wengert.distributed.is_initialized()
    with pytest.raises(AttributeError, match="wengert has no torch.distributed.rpc"):
        wengert.distributed.rpc
    with pytest.raises(RuntimeError, match="no process groups"):
        wengert.distributed.init_process_group("gloo")
    for name in ("get_rank", "get_world_size", "all_reduce"):
        with pytest.raises(ValueError, match="Default process group has not been initialized"):
            getattr(wengert.distributed, name)()


def succeed(i, queue):
    queue.put(i)


def fail(i):
    raise ValueError(f"number {i}")


def leave(i):
    os._exit(3)


def test_processes():
    mp = wengert.multiprocessing
    queue = mp.get_context("fork").SimpleQueue()
    mp.spawn(succeed, (queue,), nprocs=2, start_method="fork")
    assert sorted([queue.get(), queue.get()]) == [0, 1]
    with pytest.raises(mp.ProcessRaisedException, match="ValueError: number 0"):
        mp.spawn(fail, nprocs=1, start_method="fork")
    with pytest.raises(mp.ProcessExitedException, match="exit code 3") as caught:
        mp.spawn(leave, nprocs=1, start_method="fork")
    assert caught.value.exit_code == 3
    mp.set_sharing_strategy("file_system")
    with pytest.raises(AssertionError, match="invalid sharing strategy"):
        mp.set_sharing_strategy("x")


def test_importing_loads_none_of_this():
    code = ("import sys, wengert; wengert.ones(2).sum(); "
            "print([m for m in sys.modules if m.startswith('wengert.') and m.split('.')[1] in "
            "('_names', '_seldom', '_switches', 'amp', 'backends', 'compiler', 'cuda', 'distributed', 'jit', 'multiprocessing')])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize("text", [
    "t.accelerator.is_available()", "t.accelerator.current_accelerator()", "t.accelerator.device_count()", "t.accelerator.synchronize()",
    "t.accelerator.current_device_index()", "t.accelerator.empty_cache()", "t.mps.device_count()",
    "t.mps.manual_seed(1)", "t.xpu.is_available()", "t.xpu.device_count()", "t.xpu.is_initialized()", "t.xpu.manual_seed(1)",
])
def test_programs_ask_for_accelerators_and_find_none(text):
    close(text)


@pytest.mark.parametrize("text", ["mps.synchronize()", "mps.empty_cache()", "xpu.synchronize()", "xpu.current_device()"])
def test_devices_that_are_not_there_say_so(text):
    with pytest.raises(RuntimeError, match="on the CPU only"):
        eval(text, {name: getattr(wengert, name) for name in ("mps", "xpu")})


CLAMPED = "t.tensor([[-1., .5, 3.], [2., float('nan'), 0.]])"


@pytest.mark.parametrize("text", [
    f"{CLAMPED}.clamp(min=t.tensor([0., 1., 2.]))", f"t.clamp({CLAMPED}, max=t.tensor(1.))", f"{CLAMPED}.clamp(t.tensor([0.]), t.tensor([[1.], [-2.]]))",
    f"{CLAMPED}.clamp_(t.tensor([0., 1., 2.]))", f"{CLAMPED}.clamp_(max=t.tensor([0., 1., 2.]))", f"{CLAMPED}.clip_(t.tensor([0.]), t.tensor([2.]))",
    f"{CLAMPED}.clamp(t.tensor([0.], dtype=t.float64))", "t.tensor([1, 5]).clamp(max=t.tensor([2.5]))", "t.tensor([1, 5]).clamp(1.5)",
])
def test_clamp_takes_tensors(text):
    close(text)


@pytest.mark.parametrize("lib", [wengert, torch])
def test_data_parallel_calls_its_module(lib):
    model = lib.nn.DataParallel(lib.nn.Linear(2, 3))
    assert [*model.state_dict()] == ["module.weight", "module.bias"]
    x = lib.ones(4, 2)
    assert lib.equal(model(x), model.module(x)) and model.module.weight.shape == (3, 2)
    assert lib.nn.parallel.DataParallel is lib.nn.DataParallel


def test_distributed_data_parallel_says_what_to_do():
    from wengert.nn.parallel import DistributedDataParallel
    with pytest.raises(RuntimeError, match="no process groups"):
        DistributedDataParallel(wengert.nn.Linear(1, 1))


@pytest.mark.parametrize("lib", [wengert, torch])
def test_checkpointed_parts_give_the_same(lib):
    from importlib import import_module
    checkpointing = import_module(lib.__name__ + ".utils.checkpoint")
    layer = lib.nn.Linear(2, 2)
    x = lib.ones(3, 2, requires_grad=True)
    lib.nn.Sequential(layer, lib.nn.Tanh())(x).sum().backward()
    plain = [p.grad.tolist() for p in (x, *layer.parameters())]
    for p in (x, *layer.parameters()):
        p.grad = None
    y = checkpointing.checkpoint(layer, x, use_reentrant=False)
    checkpointing.checkpoint_sequential([lib.nn.Tanh()], 1, y, use_reentrant=False).sum().backward()
    assert [p.grad.tolist() for p in (x, *layer.parameters())] == plain


@pytest.mark.parametrize("text", [
    "isinstance(t.ones(1), t.cuda.FloatTensor)", "t.cuda.LongTensor.__name__", "[t.cuda.seed(), t.cuda.seed_all(), t.cuda.max_memory_cached()]",
    "t.cuda.get_arch_list()", "dict(t.cuda.memory_stats())", "issubclass(t.cuda.OutOfMemoryError, RuntimeError)"])
def test_what_programs_ask_of_cuda_first(text):
    close(text)


def test_tensors_of_devices_cannot_be_made():
    with pytest.raises(TypeError, match="type torch.cuda.FloatTensor not available"):
        wengert.cuda.FloatTensor(3)
    with wengert.cuda.device(0), wengert.cuda.stream(None):
        assert wengert.ones(1).type(wengert.FloatTensor).sum() == 1
    with pytest.raises(RuntimeError, match="CPU only"):
        wengert.cuda.init()


@pytest.mark.parametrize("text", ["(t.ones(2) > 0).type(t.Tensor)", "t.ones(2).int().type('torch.Tensor')", "t.ones(2).type(t.LongTensor)",
                                  "t.ones(2).type('torch.DoubleTensor')"])
def test_conversions_to_old_types(text):
    close(text)


def test_no_conversion_to_a_device():
    with pytest.raises(TypeError, match="torch.cuda.FloatTensor not available"):
        wengert.ones(1).type(wengert.cuda.FloatTensor)


def test_other_devices_have_names_only():
    device = wengert.device("cuda:1")
    assert (device.type, device.index, str(device)) == ("cuda", 1, "cuda:1") and device == wengert.device("cuda", 1) != wengert.device("cpu")
    x = wengert.ones(1)
    for use in (lambda: x.to(device), lambda: x.to(device, wengert.float64), lambda: wengert.zeros(2, device=device), lambda: wengert.rand_like(x, device=device),
                lambda: wengert.randn_like(x, device=device), lambda: wengert.randint_like(x, 3, device=device), lambda: wengert.tensor([1.], device=device),
                lambda: wengert.ones_like(x, device=device), lambda: x.new_zeros(1, device=device), lambda: wengert.nn.Linear(1, 1, device=device),
                lambda: wengert.nn.Linear(1, 1).to(device), lambda: wengert.Generator(device), lambda: wengert.set_default_device(device), device.__enter__):
        with pytest.raises(RuntimeError, match="wengert computes on the CPU only; there is no cuda device"):
            use()
    with pytest.raises(RuntimeError, match="no meta device"), wengert.device("meta"):
        pass
    with pytest.raises(RuntimeError, match="device type at start of device string: nowhere"):
        wengert.device("nowhere")
    assert x.to(wengert.device("cpu")) is x and wengert.zeros(1, device=wengert.device("cpu", 0)).sum() == 0


def test_absent_dtypes_are_named_and_compared_and_never_used():
    x = wengert.ones(2)
    assert x.dtype != wengert.complex64 and x.dtype not in (wengert.uint16, wengert.cfloat) and wengert.cfloat is wengert.complex64
    for name in ("complex32", "complex64", "complex128", "uint16", "uint32", "uint64", "qint8", "float8_e4m3fn"):
        ours, theirs = getattr(wengert, name), getattr(torch, name)
        assert repr(ours) == repr(theirs) and not isinstance(ours, wengert.dtype)
        assert (ours.is_complex, ours.is_floating_point, ours.itemsize) == (theirs.is_complex, theirs.is_floating_point, theirs.itemsize)
        with pytest.raises(TypeError, match=f"torch.{name}, which wengert lacks"):
            wengert.zeros(2, dtype=ours)
    assert {wengert.complex64: 1}[wengert.complex64] == 1
