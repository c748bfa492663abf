"""What this build of wengert runs with."""
from . import _core


def show_config():
    """Kernels, instruction-set level, threads, BLAS and versions, as text for a bug report."""
    import platform
    from ._version import __version__
    blas = _core.blas_info()
    lines = [
        f"wengert {__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}",
        f"instruction set: {_core.isa_level()} (WENGERT_ISA overrides; this machine has {', '.join(_core.isa_levels())})",
        f"threads: {_core.get_num_threads()} (set_num_threads, WENGERT_NUM_THREADS)",
        f"BLAS: {blas['version']} with {blas['corename']} kernels, " +
        (f"forced by {blas['forced_by']}={blas['forced_value']}" if blas["forced_by"] else "detected") +
        f", {blas['threads']} thread, self-test {'passed' if blas['tested'] == 1 else 'FAILED' if blas['tested'] < 0 else 'pending'}",
        f"BLAS library: {blas['path']}",
        f"BLAS configuration: {blas['config']}",
    ]
    return "\n".join(lines)
