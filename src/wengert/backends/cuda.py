"""Settings of CUDA's libraries, which wengert does not have; its one attention kernel is the mathematical one."""
import contextlib
import types

matmul = types.SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=True,
                               allow_bf16_reduced_precision_reduction=True, allow_fp16_accumulation=False, fp32_precision="none")
cufft_plan_cache = types.SimpleNamespace(size=0, max_size=0, clear=lambda: None)


def is_built():
    """False."""
    return False


def _switch(name, value):
    state = {"on": value}

    def enabled():
        return state["on"]

    def enable(enabled):
        state["on"] = bool(enabled)

    enabled.__name__, enabled.__doc__ = name + "_sdp_enabled", "What was set."
    enable.__name__, enable.__doc__ = f"enable_{name}_sdp", "Remembers the setting; attention is computed in one way."
    return enabled, enable


flash_sdp_enabled, enable_flash_sdp = _switch("flash", True)
mem_efficient_sdp_enabled, enable_mem_efficient_sdp = _switch("mem_efficient", True)
math_sdp_enabled, enable_math_sdp = _switch("math", True)
cudnn_sdp_enabled, enable_cudnn_sdp = _switch("cudnn", True)


@contextlib.contextmanager
def sdp_kernel(enable_flash=True, enable_math=True, enable_mem_efficient=True, enable_cudnn=True):
    """Accepted: attention is computed in one way."""
    yield
