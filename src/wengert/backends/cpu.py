"""What wengert computes on."""


def get_cpu_capability():
    """The instruction set in PyTorch's words."""
    from .. import _core
    return {"v4": "AVX512", "v3": "AVX2"}.get(_core.isa_level(), "DEFAULT")
