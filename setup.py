"""Builds the one extension module; what is plain metadata stands in pyproject.toml.

    pip install .                       # all instruction-set levels, optimised
    python setup.py build_ext --inplace # for development: rebuilds only what changed

Note [One extension, several instruction sets]: every kernel source, csrc/kernels/*.c and the generated loops_*.c, is
compiled once per level into an object folder of the level's own with -DWG_ISA=<level>; everything else is compiled
once, for the oldest machine. All objects are linked into one module, and csrc/wg_isa.c picks a level at import. Each
level's only entry is its table (csrc/kernels/table.c), which states which instructions the compiler was really allowed
to use; the import compares. (Several setuptools libraries built from the same sources would not do: they share
object files, and the last one wins silently.)

Environment:
    WENGERT_BUILD_LEVELS=v4   builds only these levels (comma separated), for development; "base" assumes nothing of the
                              processor, and is the only level beyond x86-64
    WENGERT_DEBUG=1           AddressSanitizer, UBSan, C assertions, Cython bounds checks, a pool that poisons freed
                              memory (-DWG_DEBUG), warnings are errors; run with libasan preloaded
    WENGERT_WERROR=1          C warnings are errors
    CC, CFLAGS, LDFLAGS       as usual; CC may be "ccache gcc", CFLAGS come last
"""
import filecmp
import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
CSRC = ROOT / "csrc"
OPS = ROOT / "src" / "wengert" / "_ops"
CORE = ROOT / "src" / "wengert" / "_core"

DEBUG = os.environ.get("WENGERT_DEBUG", "0") not in ("", "0")
WERROR = DEBUG or os.environ.get("WENGERT_WERROR", "0") not in ("", "0")

# Errno and trapping are not observable in tensor code, and either would keep loops from being vectorised; contraction
# would make bits depend on the level (see Note [Bits do not depend on the instruction set] in csrc/kernels/wg_math.h).
FLAGS = ["-std=gnu11", "-fPIC", "-pthread", "-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math",
         "-ffp-contract=off", "-fno-lto"]
if DEBUG:
    FLAGS += ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
              "-DWG_DEBUG=1"]
else:
    FLAGS += ["-O3", "-g0", "-DNDEBUG", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables"]   # C unwinds nothing
SCALAR = ["-fno-tree-slp-vectorize"]     # outside kernels: two bytes stored apart and loaded as one word cost 4 ns an operation
WARNINGS = ["-Wall", "-Wextra"] + (["-Werror"] if WERROR else [])
# What stands around launches, by folder: operations' checks and shapes, and formulas that nothing but calls of them.
OF_OPERATIONS = {} if DEBUG else {"ops": ["-O2"], "generated": ["-Os"]}
CYTHON_FLAGS = ["-fwrapv", "-Wall", "-Wno-unused-function", "-Wno-unused-variable"]   # its C is not ours to lint

V2 = ["-mcx16", "-mpopcnt", "-msahf", "-msse3", "-mssse3", "-msse4.1", "-msse4.2"]
V3 = V2 + ["-mavx", "-mavx2", "-mbmi", "-mbmi2", "-mf16c", "-mfma", "-mlzcnt", "-mmovbe", "-mxsave"]
V4 = V3 + ["-mavx512f", "-mavx512bw", "-mavx512cd", "-mavx512dq", "-mavx512vl"]
# Machines without AVX2 are a decade old: their level trades loops peeled and unrolled for 250 kB of the wheel.
SMALL = ["-O2", "-ftree-vectorize", "-fno-tree-slp-vectorize"]
# One function for each of ten types and more, seldom called: copies of loops for special strides are not worth their size.
SELDOM = {"scan.c"}
PLAIN_LOOPS = ["-fno-peel-loops", "-fno-split-loops", "-fno-version-loops-for-strides", "-fno-unswitch-loops"]
X86_LEVELS = {      # name: the compiler's flag, the same spelled out for gcc before 11 and clang before 12, extra
    "v2": ("-march=x86-64-v2", V2, SMALL),
    "v3": ("-march=x86-64-v3", V3, []),
    "v4": ("-march=x86-64-v4", V4, ["-mprefer-vector-width=512"]),
}


def run(command):
    """Runs a command; shows it and its output when it fails."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise SystemExit(f"{shlex.join(map(str, command))}\n{result.stdout}\nwengert: the command above failed")
    if result.stdout.strip():
        print(result.stdout.rstrip(), flush=True)


class Compiler:
    """The C compiler and the flags that decide what machine it compiles for; the rest of Python's own build flags
    (optimisation, stack protectors, warnings) is left out, so that every build of wengert has the same code."""

    MACHINE = re.compile(r"-m(32|64|macosx-version-min=.*|abi=.*|cpu=.*)|--sysroot=.*|--target=.*|-B.*")

    def __init__(self):
        words = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
        inherited = shlex.split(sysconfig.get_config_var("CFLAGS") or "")
        if "ARCHFLAGS" in os.environ:
            inherited = shlex.split(os.environ["ARCHFLAGS"])
        keep = []
        for i, flag in enumerate(inherited):
            if flag in ("-arch", "-isysroot", "-target"):
                keep += inherited[i:i + 2]
            elif self.MACHINE.fullmatch(flag):
                keep.append(flag)
        self.command = words + keep
        self.user = shlex.split(os.environ.get("CPPFLAGS", "")) + shlex.split(os.environ.get("CFLAGS", ""))
        self.keeps_symbols = DEBUG or any(re.fullmatch(r"-g([1-3]|gdb.*)?", flag) for flag in self.user)

    def accepts(self, flags):
        return subprocess.run([*self.command, *flags, "-E", "-x", "c", os.devnull],
                              capture_output=True).returncode == 0

    def levels(self):
        """Level name -> flags, in the order of age. One level named "base" where there is nothing to choose."""
        x86 = platform.machine() in ("x86_64", "AMD64") and sys.maxsize > 2**32 and sys.platform != "darwin"
        if not x86:
            return {"base": []}
        levels = {"base": []} | {name: ([march] if self.accepts([march]) else spelled) + (extra if self.accepts(extra) else [])
                  for name, (march, spelled, extra) in X86_LEVELS.items()}
        wanted = os.environ.get("WENGERT_BUILD_LEVELS")
        if not wanted:
            del levels["base"]               # every x86-64 processor since 2009 has v2
            return levels
        names = wanted.replace(",", " ").split()
        unknown = sorted(set(names) - set(levels))
        if unknown:
            raise SystemExit(f"WENGERT_BUILD_LEVELS: no level {', '.join(unknown)}; there are {', '.join(levels)}")
        return {name: flags for name, flags in levels.items() if name in names}

    def compile(self, source, target, flags):
        """Compiles unless the object was made by this very command from these very files. Returns the object."""
        dependencies = target.with_suffix(".d")
        command = [*self.command, *flags, *self.user, "-MMD", "-MF", str(dependencies), "-c", str(source),
                   "-o", str(target)]
        stamp, digest = target.with_suffix(".cmd"), hashlib.sha256("\0".join(command).encode()).hexdigest()
        if not (target.exists() and stamp.exists() and stamp.read_text() == digest and
                self.newer(target, dependencies)):
            stamp.unlink(missing_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            started = time.time_ns()
            run(command)
            os.utime(target, ns=(started, started))      # a header that changed meanwhile is newer
            stamp.write_text(digest)
        return target

    @staticmethod
    def newer(target, dependencies):
        """Is the object newer than the source and every header it was compiled from?"""
        try:
            text = dependencies.read_text().replace("\\\n", " ").split(":", 1)[1]
            made = target.stat().st_mtime_ns
            return all(Path(name).stat().st_mtime_ns < made for name in shlex.split(text))
        except (OSError, IndexError):
            return False


def update(source, target):
    """Copies the files that differ and removes those that are gone: equal ones keep their time stamps."""
    target.mkdir(parents=True, exist_ok=True)
    names = {path.name for path in source.iterdir()}
    for path in target.iterdir():
        if path.name not in names:
            path.unlink()
    for name in names:
        if not ((target / name).exists() and filecmp.cmp(source / name, target / name, shallow=False)):
            shutil.copyfile(source / name, target / name)


def generate(script, target, extra=None):
    """Runs one generator of the table of operations into a folder that holds nothing else but the `extra` files."""
    with tempfile.TemporaryDirectory() as scratch:
        run([sys.executable, str(OPS / script), scratch])
        for name, text in (extra or {}).items():
            Path(scratch, name).write_text(text)
        update(Path(scratch), target)


class BuildExt(build_ext):
    def run(self):
        if self.compiler == "msvc" or sys.platform == "win32":
            raise SystemExit("wengert builds with gcc or clang on Linux and macOS; on Windows use WSL")
        super().run()
        package = (ROOT / "src" if self.inplace else Path(self.build_lib)) / "wengert"
        bundle_openblas(package / "_libs")
        generate("emit_py.py", package / "_generated")          # stubs

    def build_extension(self, ext):
        compiler = Compiler()
        levels = compiler.levels()
        # Not build_temp: an editable install would get a fresh one, and compile everything, each time.
        build = ROOT / "build" / f"{sysconfig.get_platform()}-{sys.implementation.cache_tag}{'-debug' if DEBUG else ''}"
        generated = build / "generated"
        rows = " ".join(f"F({name})" for name in levels)
        generate("emit_c.py", generated, {"wg_levels.h":
                 "/* Made by setup.py, do not edit: the instruction-set levels linked into this build, oldest first. */\n"
                 f"#define WG_LEVELS(F) {rows}\n"})

        from Cython.Build import cythonize
        core, = cythonize([ext], build_dir=str(build / "cython"), include_path=[str(ROOT / "src")], compiler_directives={
            "language_level": 3, "cdivision": True, "wraparound": False, "initializedcheck": False,
            "boundscheck": DEBUG})

        include = [f"-I{path}" for path in (CSRC, CSRC / "kernels", generated)]
        python = [f"-I{path}" for path in dict.fromkeys([*self.include_dirs, sysconfig.get_path("include"),
                                                         sysconfig.get_path("platinclude"), str(CORE)])]
        loops = sorted(generated.glob("loops_*.c"))
        jobs = []                                       # source, object, flags
        plain_loops = PLAIN_LOOPS if compiler.accepts(PLAIN_LOOPS + ["-Werror"]) else []
        for level, flags in levels.items():
            for source in sorted((CSRC / "kernels").glob("*.c")) + loops:
                jobs.append((source, build / level / f"{source.stem}.o",
                             FLAGS + WARNINGS + flags + (plain_loops if source.name in SELDOM else []) + [f"-DWG_ISA={level}"] + include))
        plain = sorted(CSRC.glob("*.c")) + sorted((CSRC / "ops").glob("*.c"))
        plain += sorted(set(generated.glob("*.c")) - set(loops))
        for source in plain:
            size = OF_OPERATIONS.get(source.parent.name, [])
            jobs.append((source, build / "plain" / f"{source.parent.name}_{source.stem}.o", FLAGS + SCALAR + size + WARNINGS + include))
        for source in sorted(CORE.glob("*.c")):
            jobs.append((source, build / "core" / f"{source.stem}.o", FLAGS + SCALAR + WARNINGS + python + include))
        for source in core.sources:
            jobs.append((Path(source), build / "core" / f"cython_{Path(source).stem}.o",
                         FLAGS + SCALAR + CYTHON_FLAGS + python + include))
        jobs.sort(key=lambda job: -job[0].stat().st_size)      # the longest first

        workers = self.parallel if isinstance(self.parallel, int) and self.parallel > 1 else len(affinity())
        with ThreadPoolExecutor(workers) as pool:
            objects = [pool.submit(compiler.compile, *job) for job in jobs]
            try:
                ext.extra_objects = sorted(str(future.result()) for future in as_completed(objects))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        ext.extra_link_args = ["-pthread"]
        if sys.platform.startswith("linux"):
            ext.extra_link_args += ["-ldl", "-lm"] + ([] if compiler.keeps_symbols else ["-Wl,-s"])
        if DEBUG:
            ext.extra_link_args += ["-fsanitize=address,undefined"]
        ext.sources, ext.depends = [], ext.extra_objects
        super().build_extension(ext)

    def get_source_files(self):
        return []                                       # MANIFEST.in says what an sdist holds


def bundle_openblas(target):
    """Copies the OpenBLAS of the pinned build requirement, with its licences, into the package."""
    import scipy_openblas32
    from importlib.metadata import distribution
    target.mkdir(parents=True, exist_ok=True)
    found = sorted(Path(scipy_openblas32.get_lib_dir()).glob("libscipy_openblas.*"))
    found = [path for path in found if path.suffix in (".so", ".dylib")]
    notices = [file for file in distribution("scipy-openblas32").files or [] if file.name.startswith("LICENSE")]
    if not found or not notices:
        raise SystemExit("wengert: scipy-openblas32 is installed without its library or its licence")
    for path in found:
        shutil.copy2(path, target / path.name)
        if sys.platform.startswith("linux") and shutil.which("strip"):       # 200 kB of the wheel are names of local functions
            run(["strip", "--strip-unneeded", str(target / path.name)])
    (target / "LICENSE-openblas.txt").write_text("\n".join(notice.read_text() for notice in notices))


def affinity():
    """The processors that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


setup(ext_modules=[Extension("wengert._core._core", ["src/wengert/_core/_core.pyx"])],
      cmdclass={"build_ext": BuildExt})
