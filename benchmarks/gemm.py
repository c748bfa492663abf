"""Our matmul kernel against OpenBLAS called directly, in one run, on row-major and transposed operands.

    python benchmarks/gemm.py                 # one core, then all
    python benchmarks/gemm.py --dtype float64 --coretype Haswell

Needs NumPy, scipy-openblas32 and a C compiler, not the package itself. Rounds are interleaved and minima shown;
results are compared before times are. OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE are unset: they would choose kernels.
"""
import argparse
import ctypes
import os
import pathlib
import sys

os.environ.pop("OPENBLAS_CORETYPE", None)
os.environ.pop("OPENBLAS_L2_SIZE", None)
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "kernels"))

import numpy as np  # noqa: E402
from harness import CSRC, Kernels, openblas  # noqa: E402

SHAPES = [(1, 1, 1), (4, 4, 4), (8, 8, 8), (16, 16, 16), (64, 64, 4), (64, 4, 64), (64, 64, 8), (64, 10, 100), (64, 1, 64),
          (1, 64, 64), (16, 256, 64), (64, 64, 64), (64, 100, 100), (100, 100, 64), (128, 10, 512), (3072, 64, 64), (128, 128, 128),
          (768, 384, 128), (256, 256, 256), (128, 512, 784), (784, 512, 128), (512, 512, 512), (1024, 1024, 1024),
          (2048, 2048, 512), (5, 5000, 5000), (1, 512, 512), (1, 4096, 4096), (4096, 1, 4096)]


class BlasInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in
                ("path", "config", "version", "corename", "forced_by", "forced_value")] + [
                    ("threads", ctypes.c_int), ("tested", ctypes.c_int)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--coretype", help="OpenBLAS's kernels, instead of detection")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each shape and layout")
    parser.add_argument("--shape", action="append", type=lambda text: tuple(map(int, text.split("x"))), help="MxNxK instead of the list")
    options = parser.parse_args()
    if options.coretype:
        os.environ["WENGERT_BLAS_CORETYPE"] = options.coretype

    kernels = Kernels("matmul.c", str(CSRC / "wg_blas.c"), str(CSRC / "wg_threads.c"), str(HERE / "gemm_direct.c"),
                      defines=("-DWG_TEST_REAL_THREADS",))
    lib = kernels.lib
    lib.wg_set_num_threads.argtypes = [ctypes.c_int64]
    lib.wg_blas_get_info.restype = BlasInfo
    lib.gemm_direct_time.restype = ctypes.c_double
    if lib.wg_blas_load(str(openblas()).encode()):
        raise SystemExit(kernels.error()[1])
    all_threads = lib.wg_get_num_threads()
    info = lib.wg_blas_get_info()
    print(f"{info.version.decode()}, {info.corename.decode()} kernels, {options.dtype}; nanoseconds a call, ratio to direct")
    print(f"{'m x n x k':>18} {'':>3} {'direct':>12} {'ours':>12} {'ratio':>6} {f'{all_threads} threads':>12} {'speed-up':>8} {'GF/s':>6}")

    rng = np.random.default_rng(0)
    for m, n, k in options.shape or SHAPES:
        for trans_a, trans_b in ((0, 0), (0, 1), (1, 0)):
            a = rng.standard_normal((k, m) if trans_a else (m, k)).astype(options.dtype)
            b = rng.standard_normal((n, k) if trans_b else (k, n)).astype(options.dtype)
            direct, ours = np.empty((m, n), options.dtype), np.empty((m, n), options.dtype)
            x, y = a.T if trans_a else a, b.T if trans_b else b

            def time_direct(calls):
                return lib.gemm_direct_time(int(options.dtype == "float64"), trans_a, trans_b, m, n, k, ctypes.c_void_p(a.ctypes.data),
                                            ctypes.c_void_p(b.ctypes.data), ctypes.c_void_p(direct.ctypes.data), ctypes.c_int64(calls))

            def time_ours(calls, threads):
                lib.wg_set_num_threads(threads)
                return kernels.time("matmul", ours, x, y, attrs=[None, None], calls=calls, rounds=1)

            calls = max(1, int(1e6 / max(time_direct(3), 1)))
            lib.wg_set_num_threads(1)
            kernels("matmul", ours, x, y, attrs=[None, None])
            scale = np.abs(x) @ np.abs(y)
            if (np.abs(ours - direct) > 2 * (k + 2) * np.finfo(options.dtype).eps * scale).any():
                raise SystemExit(f"results differ at {m}x{n}x{k}")
            best = [float("inf")] * 3
            rounds = max(3, int(options.seconds * 1e9 / (calls * time_direct(1) * 3)))
            for _ in range(min(rounds, 100)):
                best[0] = min(best[0], time_direct(calls))
                best[1] = min(best[1], time_ours(calls, 1))
                best[2] = min(best[2], time_ours(calls, all_threads))
            layout = "NT"[trans_a] + "NT"[trans_b]
            print(f"{f'{m} x {n} x {k}':>18} {layout:>3} {best[0]:12.1f} {best[1]:12.1f} {best[1] / best[0]:6.2f} {best[2]:12.1f} "
                  f"{best[1] / best[2]:8.2f} {2 * m * n * k / best[1]:6.1f}", flush=True)


if __name__ == "__main__":
    main()
