"""What an import costs: minima of fresh interpreters, in turn."""
import subprocess
import sys
from time import perf_counter

PROGRAMS = {
    "empty interpreter": "pass",
    "numpy": "import numpy",
    "wengert": "import wengert",
    "numpy, wengert": "import numpy, wengert",
    "wengert, from_numpy": "import wengert, numpy; wengert.from_numpy(numpy.zeros(3))",
    "wengert, nn, optim": "import wengert; wengert.nn.Linear; wengert.optim.Adam",
    "torch": "import torch",
    "jax.numpy": "import jax.numpy",
}


def measure(libraries, rounds, environment):
    """Milliseconds of each program, and what it costs beyond the empty interpreter."""
    programs = {name: code for name, code in PROGRAMS.items()
                if not (name == "torch" and "torch" not in libraries) and not (name == "jax.numpy" and "jax" not in libraries)}
    best = dict.fromkeys(programs, float("inf"))
    environment = {k: v for k, v in environment.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for i in range(rounds + 1):                     # the first round writes .pyc files and warms the page cache
        for name, code in programs.items():
            if i > 3 and name in ("torch", "jax.numpy"):
                continue
            start = perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.DEVNULL)
            if i:
                best[name] = min(best[name], perf_counter() - start)
    return {name: {"ms": 1e3 * t, "beyond_empty_ms": 1e3 * (t - best["empty interpreter"])} for name, t in best.items()}
