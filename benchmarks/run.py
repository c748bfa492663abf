"""wengert against torch, and jax where it is installed: operations, training steps, memory, import, in one run.

    python benchmarks/run.py                          # everything, 10 to 15 minutes
    python benchmarks/run.py --quick                  # fewer rounds
    python benchmarks/run.py --only steps             # micro, steps, more, threads, memory, import; or names of rows
    python benchmarks/run.py --only mlp_tanh,linear --threads 2 --json out.json
    python benchmarks/run.py --readme                 # only what README shows, and writes its table

Each library has a process of its own, and they take turns many times: shown is the least time of each, and torch's
divided by ours. A speed is shown only if the first five losses (or the value) agree. One thread unless said otherwise;
OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE, which would choose BLAS kernels, are unset for all. "goal" is what the project
wants; nothing here fails for missing it.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import platform
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import imports  # noqa: E402
import memory  # noqa: E402
import readme  # noqa: E402
from micro import MICRO  # noqa: E402
from workloads import WORKLOADS  # noqa: E402

SECTIONS = ("micro", "steps", "more", "threads", "memory", "import")
THREADED = ("big_elementwise", "big_mlp", "mlp_mnist")


def environment(threads):
    """What every library runs in."""
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONHASHSEED")}
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        env[name] = str(threads)
    env["JAX_PLATFORMS"] = "cpu"
    return env


class Library:
    """A worker process."""

    def __init__(self, name, threads):
        self.name = name
        self.process = subprocess.Popen([sys.executable, str(HERE / "worker.py"), name, str(threads)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environment(threads))
        self.version = self.answer()["version"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the worker of {self.name} ended with code {self.process.wait()}")
        return json.loads(line)

    def ask(self, do, **request):
        self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def agree(ours, theirs, tolerance):
    return len(ours) == len(theirs) and all(abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-30) for a, b in zip(ours, theirs))


def duel(libraries, do, name, tolerance, rounds, seconds):
    """Prepares one row everywhere, compares values, then times in turns. Returns a dict by library name."""
    result, running, reference = {}, [], None
    for library in libraries:
        answer = library.ask(do, name=name)
        if "skip" in answer:
            result[library.name] = {"skip": answer["skip"]}
            if os.environ.get("BENCHMARK_TRACE") and "trace" in answer:
                print(answer["trace"], file=sys.stderr)
            continue
        if library.name == "torch" or (reference is None and library.name == "wengert"):
            reference = answer["values"]
        result[library.name] = {"values": answer["values"]}
        running.append(library)
    for library in list(running):
        values = result[library.name]["values"]
        if values and not agree(values, reference, tolerance):
            result[library.name]["skip"] = f"values differ: {values} against {reference}"
            running.remove(library)
    for _ in range(rounds):
        for library in list(running):
            answer, entry = library.ask("time", seconds=seconds), result[library.name]
            if "skip" in answer:
                entry["skip"] = answer["skip"]
                running.remove(library)
                continue
            entry["ns"] = min(answer["ns"], entry.get("ns", answer["ns"]))
    return result


def number(ns, unit):
    if ns is None:
        return "-"
    value = ns / {"ns": 1, "us": 1e3}[unit]
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def line(title, entry, unit, goal, others, limit=None):
    ours = entry.get("wengert", {}).get("ns")
    cells = [number(ours, unit)]
    for name in others:
        theirs = entry.get(name, {}).get("ns")
        cells.append(number(theirs, unit))
        cells.append(f"{theirs / ours:.1f}x" if theirs and ours else "-")
    wanted = f"{goal:g}x" if goal else f"{limit:g} ns" if limit else ""
    torch = entry.get("torch", {}).get("ns")
    met = ""
    if ours and ((goal and torch) or limit):
        met = "" if (torch / ours >= goal if goal else ours <= limit) else "  <"
    print(f"{title:54}" + "".join(f"{c:>11}" for c in cells) + f"{wanted:>9}{met}", flush=True)
    for name, part in entry.items():
        if "skip" in part and part["skip"] != "no counterpart":
            print(f"    {name}: {part['skip']}", flush=True)


def head(title, unit, others):
    print(f"\n{title} ({unit})")
    print(f"{'':54}" + f"{'wengert':>11}" + "".join(f"{n:>11}{'ratio':>11}" for n in others) + f"{'goal':>9}", flush=True)


def chosen(section, name, only):
    return not only or section in only or name in only


def time_section(section, rows, libraries, options, unit):
    """rows: (name, title, request, goal, limit, tolerance)."""
    rows = [row for row in rows if chosen(section, row[0], options.only)]
    others = [library.name for library in libraries if library.name not in ("wengert", "openblas")]
    results = {}
    if rows:
        head({"micro": "Operations, from Python", "steps": "Training steps", "more": "More training steps"}[section], unit, others)
    for name, title, do, goal, limit, tolerance in rows:
        slow = section != "micro"
        rounds, seconds = (4, 0.05 if slow else 0.01) if options.quick else (options.rounds, 0.2 if slow else 0.03)
        takes = [library for library in libraries if library.name != "openblas" or name == "sgemm"]
        results[name] = entry = duel(takes, do, name, tolerance, rounds, seconds)
        line(title, entry, unit, goal, others, limit)
        if "openblas" in entry and "ns" in entry["openblas"] and "ns" in entry["wengert"]:
            direct = entry["openblas"]["ns"]
            print(f"{'    OpenBLAS called directly':54}{number(direct, unit):>11}   ours takes {entry['wengert']['ns'] / direct:.3f} of it")
    return results


def threads_section(names, options):
    """Our own speed-up from one thread to two; and torch's."""
    results = {}
    names = [n for n in names if chosen("threads", n, options.only)]
    if not names:
        return results
    pairs = [(name, threads, Library(name, threads)) for name in ("wengert", "torch") if name in options.libraries for threads in (1, 2)]
    print(f"\nThreads (us)\n{'':54}" + "".join(f"{f'{name} {threads}':>11}" for name, threads, _ in pairs) + f"{'our gain':>11}")
    for name in names:
        best = [float("inf")] * len(pairs)
        for _, _, library in pairs:
            library.ask("prepare_workload", name=name)
        for _ in range(4 if options.quick else options.rounds):
            for i, (_, _, library) in enumerate(pairs):
                best[i] = min(best[i], library.ask("time", seconds=0.05 if options.quick else 0.2)["ns"])
        results[name] = {f"{library} {threads}": ns for (library, threads, _), ns in zip(pairs, best)}
        print(f"{WORKLOADS[name].title:54}" + "".join(f"{number(ns, 'us'):>11}" for ns in best) + f"{best[0] / best[1]:>10.2f}x", flush=True)
    for _, _, library in pairs:
        library.close()
    return results


def memory_section(options):
    results = {}
    libraries = [name for name in ("wengert", "torch") if name in options.libraries]
    loops = [n for n in memory.LOOPS if chosen("memory", n, options.only)]
    steps = 10_000 if options.quick else 100_000
    if loops:
        print(f"\nGrowth of memory over {steps} steps (kB)\n{'':54}" + "".join(f"{name:>11}" for name in libraries))
    for name in loops:
        row = {}
        for library in libraries:
            worker = Library(library, options.threads)
            row[library] = worker.ask("growth", name=name, steps=steps)
            worker.close()
        results[name] = row
        print(f"{memory.LOOPS[name].title:54}" + "".join(f"{row[n].get('kb', row[n].get('skip')):>11}" for n in libraries), flush=True)
    if not options.only or "memory" in options.only:
        print(f"\nPeak memory of a training step beyond the library's own (kB)\n{'':54}" + "".join(f"{name:>11}" for name in libraries))
        for name, w in WORKLOADS.items():
            row = {}
            for library in libraries:
                worker = Library(library, options.threads)
                row[library] = worker.ask("peak", name=name, steps=10)
                worker.close()
            results[f"peak {name}"] = row
            print(f"{w.title:54}" + "".join(f"{row[n].get('kb', '-'):>11}" for n in libraries), flush=True)
    return results


def import_section(options):
    if options.only and "import" not in options.only:
        return {}
    results = imports.measure(options.libraries, 3 if options.quick else 10, environment(options.threads))
    print("\nImport (ms)")
    for name, row in results.items():
        print(f"{name:54}{row['ms']:>11.1f}{row['beyond_empty_ms']:>11.1f} beyond the empty interpreter", flush=True)
    return results


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few short rounds")
    parser.add_argument("--only", action="append", default=[], help=f"sections ({', '.join(SECTIONS)}) or rows, comma separated")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=pathlib.Path, help="write all figures there")
    parser.add_argument("--libraries", default="wengert,torch,jax,openblas", help="of these, what is installed")
    parser.add_argument("--list", action="store_true", help="names of rows")
    parser.add_argument("--readme", action="store_true", help="measure what README.md shows, and write its table")
    options = parser.parse_args()
    if options.readme:
        options.only = [*readme.ROWS, "import"]
    options.only = {name for text in options.only for name in text.split(",")}
    unknown = options.only - set(SECTIONS) - set(MICRO) - set(WORKLOADS) - set(memory.LOOPS)
    if unknown:
        parser.error(f"no section or row {', '.join(sorted(unknown))}; --list names them")
    wanted = options.libraries.split(",")
    options.libraries = [name for name in wanted if name == "openblas" or importlib.util.find_spec(name)]
    for name in set(wanted) - set(options.libraries):
        print(f"{name} is not installed")
    return options


def main():
    if any(name in os.environ for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")):
        os.execve(sys.executable, [sys.executable, *sys.argv], environment(1))
    options = arguments()
    if options.list:
        print("\n".join(f"{name:24}{row.title}" for rows in (MICRO, WORKLOADS, memory.LOOPS) for name, row in rows.items()))
        return
    micro = [(m.name, m.title, "prepare_micro", m.goal, m.limit_ns, 1e-4) for m in MICRO.values()]
    steps = [(w.name, w.title, "prepare_workload", w.goal, None, w.tolerance) for w in WORKLOADS.values()]
    first = [row for row in steps if WORKLOADS[row[0]].make.__module__ != "workloads.more"]
    second = [row for row in steps if row not in first]
    timed = {"micro": micro, "steps": first, "more": second}
    libraries, results = [], {}
    if any(chosen(section, row[0], options.only) for section, rows in timed.items() for row in rows):
        libraries = [Library(name, options.threads) for name in options.libraries if name != "openblas" or options.threads == 1]
    results["machine"] = {"processor": processor(), "python": platform.python_version(), "threads": options.threads,
                          **{library.name: library.version for library in libraries}}
    print("; ".join(f"{k} {v}" for k, v in results["machine"].items()), flush=True)
    for section, rows in timed.items():
        if libraries:
            results[section] = time_section(section, rows, libraries, options, "ns" if section == "micro" else "us")
    for library in libraries:
        library.close()
    results["threads"] = threads_section(THREADED if not options.only & set(WORKLOADS) or "threads" in options.only else (), options)
    results["memory"] = memory_section(options)
    results["import"] = import_section(options)
    if options.readme:
        readme.write(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            return next(text.split(":")[1].strip() for text in f if text.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
