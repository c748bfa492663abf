"""The BLAS loader: which library, which kernels and who chose them, one thread, a restored environment, clear errors."""
import json
import os
import platform
import shlex
import subprocess
import sys

import pytest

from harness import CSRC, openblas

# A process of its own for each: a library is loaded once.
CALL = """
import ctypes, json, os, sys
class Info(ctypes.Structure):
    _fields_ = [(n, ctypes.c_char_p) for n in ("path", "config", "version", "corename", "forced_by", "forced_value")] + [
        ("threads", ctypes.c_int), ("tested", ctypes.c_int)]
lib = ctypes.CDLL(sys.argv[1])
lib.wg_blas_get_info.restype = Info
lib.wg_blas_prepare.restype = ctypes.c_void_p
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
def error():
    text = ctypes.c_char_p()
    return [lib.wg_error(ctypes.byref(text)), text.value.decode()]
def environment():
    return {n: (libc.getenv(n.encode()) or b"-").decode() for n in ("OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "WENGERT_BLAS_CORETYPE")}
before = environment()
status = lib.wg_blas_load(sys.argv[2].encode() if len(sys.argv) > 2 else None)
out = {"status": status, "error": error() if status else None, "restored": environment() == before}
if status == 0:
    out["untested"] = lib.wg_blas_get_info().tested
    out["ready"] = bool(lib.wg_blas_prepare())
    if not out["ready"]:
        out["error"] = error()
info = lib.wg_blas_get_info()
out.update({n: (v.decode() if isinstance(v := getattr(info, n), bytes) else v) for n, _ in Info._fields_})
if os.path.isdir("/proc/self/task"):
    out["tasks"] = len(os.listdir("/proc/self/task"))
print(json.dumps(out))
"""


def compile_library(target, *sources, flags=()):
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [*shlex.split(os.environ.get("CC", "cc")), "-std=gnu11", "-O1", "-fPIC", "-shared", f"-I{CSRC}", *flags, *map(str, sources),
               "-o", str(target), "-lpthread"]
    if sys.platform.startswith("linux"):
        command.append("-ldl")
    subprocess.run(command, check=True)
    return target


@pytest.fixture(scope="module")
def loader(tmp_path_factory):
    """Our loader where an installed package would have it, without a bundled library."""
    return compile_library(tmp_path_factory.mktemp("package") / "pkg" / "_core" / "core.so", CSRC / "wg_blas.c", CSRC / "wg_types.c",
                           CSRC / "wg_thread_state.c")


def load(loader, path=None, **variables):
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "WENGERT_BLAS_CORETYPE", "OPENBLAS_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", CALL, str(loader), *([str(path)] if path else [])], env=env | variables,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_detected_kernels_and_one_thread(loader):
    found = load(loader, openblas())
    assert found["status"] == 0 and found["ready"] and found["restored"]
    assert found["version"].startswith("OpenBLAS 0.3.") and found["config"].startswith(found["version"])
    assert found["path"] == str(openblas()) and found["corename"]
    assert found["threads"] == 1 and found.get("tasks", 1) == 1
    assert found["forced_by"] == found["forced_value"] == ""
    assert found["untested"] == 0 and found["tested"] == 1


X86 = platform.machine() in ("x86_64", "AMD64")


@pytest.mark.skipif(not X86, reason="names of x86 kernels")
@pytest.mark.parametrize("variables, forced_by, runs", [
    ({"OPENBLAS_CORETYPE": "Nehalem"}, "OPENBLAS_CORETYPE", "Nehalem"),
    ({"WENGERT_BLAS_CORETYPE": "Nehalem"}, "WENGERT_BLAS_CORETYPE", "Nehalem"),
    ({"WENGERT_BLAS_CORETYPE": "Nehalem", "OPENBLAS_CORETYPE": "Prescott"}, "WENGERT_BLAS_CORETYPE", "Nehalem"),
    ({"WENGERT_BLAS_CORETYPE": "auto", "OPENBLAS_CORETYPE": "Prescott"}, "WENGERT_BLAS_CORETYPE", None),
    ({"WENGERT_BLAS_CORETYPE": "", "OPENBLAS_CORETYPE": "Prescott"}, "WENGERT_BLAS_CORETYPE", None),
    ({"OPENBLAS_CORETYPE": ""}, "", None),
    ({"WENGERT_BLAS_CORETYPE": "Abacus"}, "WENGERT_BLAS_CORETYPE", None),
], ids=str)
def test_forced_kernels(loader, variables, forced_by, runs):
    found = load(loader, openblas(), OPENBLAS_NUM_THREADS="7", **variables)
    assert found["status"] == 0 and found["ready"] and found["restored"] and found["threads"] == 1
    assert found["forced_by"] == forced_by
    assert found["forced_value"] == (variables[forced_by] if forced_by else "")
    assert found["corename"] == (runs or load(loader, openblas())["corename"])


@pytest.mark.parametrize("where", ["_libs", "_core/_libs"])
def test_bundled_library_is_found(loader, tmp_path, where):
    package = tmp_path / "pkg"
    (package / "_core").mkdir(parents=True)
    own = package / "_core" / "core.so"
    own.write_bytes(loader.read_bytes())
    (package / where).mkdir(exist_ok=True)
    (package / where / openblas().name).symlink_to(openblas())
    found = load(own)
    assert found["ready"] and found["path"] == str(package / where / openblas().name)


@pytest.mark.skipif(sys.platform == "darwin", reason="falls back to the system's BLAS")
def test_missing_library(loader):
    found = load(loader)
    kind, text = found["error"]
    assert found["status"] == -1 and kind == 1 and found["path"] == "" and found["restored"]
    package = loader.parents[1].resolve()
    assert str(package / "_libs" / openblas().name) in text and str(package / "_core" / "_libs" / openblas().name) in text
    assert "bundled OpenBLAS is missing" in text and "reinstall" in text


def test_errors(loader, tmp_path):
    assert "must be absolute, got 'libopenblas.so'" in load(loader, "libopenblas.so")["error"][1]
    found = load(loader, tmp_path / "absent.so")
    assert found["error"][0] == 1 and "cannot load its BLAS library" in found["error"][1] and "absent.so" in found["error"][1]
    assert found["restored"]
    (tmp_path / "text.so").write_text("no library")
    assert "cannot load its BLAS library" in load(loader, tmp_path / "text.so")["error"][1]
    (tmp_path / "empty.c").write_text("int nothing;\n")
    empty = compile_library(tmp_path / "empty.so", tmp_path / "empty.c")
    assert "has no function cblas_sgemm" in load(loader, empty)["error"][1]


FAKE = """
#define NAME(x) cblas_##x
#define GEMM(T, NAME) void NAME(int o, int ta, int tb, int m, int n, int k, T alpha, const T *a, int lda, const T *b, int ldb, T beta, T *c, int ldc) { \\
    (void)o; (void)ta; (void)tb; (void)alpha; (void)beta; \\
    for (int i = 0; i < m; i++) for (int j = 0; j < n; j++) { c[i * ldc + j] = 0; \\
        for (int l = 0; l < k; l++) c[i * ldc + j] += a[i * lda + l] * b[l * ldb + j]; } WRONG_##NAME }
#define GEMV(T, NAME) void NAME(int o, int t, int m, int n, T alpha, const T *a, int lda, const T *x, int incx, T beta, T *y, int incy) { \\
    (void)o; (void)t; (void)alpha; (void)beta; \\
    for (int i = 0; i < m; i++) { y[i * incy] = 0; for (int l = 0; l < n; l++) y[i * incy] += a[i * lda + l] * x[l * incx]; } WRONG_##NAME }
#ifndef WRONG_cblas_sgemm
#define WRONG_cblas_sgemm
#endif
#ifndef WRONG_cblas_dgemm
#define WRONG_cblas_dgemm
#endif
#ifndef WRONG_cblas_sgemv
#define WRONG_cblas_sgemv
#endif
#ifndef WRONG_cblas_dgemv
#define WRONG_cblas_dgemv
#endif
#define NEVER(name) void name(void) {}
NEVER(cblas_strsm) NEVER(cblas_dtrsm) NEVER(spotrf_) NEVER(dpotrf_) NEVER(sgetrf_) NEVER(dgetrf_) NEVER(sgetrs_) NEVER(dgetrs_)
NEVER(ssyevd_) NEVER(dsyevd_) NEVER(sgesdd_) NEVER(dgesdd_) NEVER(sgeqrf_) NEVER(dgeqrf_) NEVER(sorgqr_) NEVER(dorgqr_)
GEMM(float, cblas_sgemm) GEMM(double, cblas_dgemm) GEMV(float, cblas_sgemv) GEMV(double, cblas_dgemv)
"""


@pytest.mark.parametrize("wrong", [None, "c[(m - 1) * ldc + n - 1] += 1;@cblas_sgemm", "c[0] = 0.0 / 0.0;@cblas_dgemm",
                                   "y[m - 1] += 1;@cblas_sgemv", "y[0] -= 1;@cblas_dgemv"], ids=str)
def test_self_test_catches_wrong_products(loader, tmp_path, wrong):
    """A library of plain symbols, as Accelerate has them; one element off must be found."""
    (tmp_path / "fake.c").write_text(FAKE)
    flags = [f"-DWRONG_{wrong.split('@')[1]}={wrong.split('@')[0]}"] if wrong else []
    found = load(loader, compile_library(tmp_path / "fake.so", tmp_path / "fake.c", flags=flags))
    assert found["status"] == 0 and found["corename"] == found["version"] == "unknown"
    assert found["ready"] == (wrong is None) and found["tested"] == (1 if wrong is None else -1)
    if wrong:
        assert found["error"][0] == 1 and "computes wrong products" in found["error"][1] and "WENGERT_BLAS_CORETYPE" in found["error"][1]
