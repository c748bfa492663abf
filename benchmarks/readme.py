"""The table of figures in README.md, written anew from a run: python benchmarks/run.py --readme"""
import pathlib

README = pathlib.Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- figures: python benchmarks/run.py --readme -->\n", "<!-- end of figures -->\n"

# Rows of README: name in micro or workloads, and what README calls it.
ROWS = {
    "mul_recorded": "`x * w` on 16 floats, recorded",
    "linear": "`nn.Linear` called on a 1x8 input",
    "elementwise": "200 elementwise operations on 16 floats, forward and backward",
    "scalar": "2,000 scalar operations, forward and backward",
    "thermometer": "line fit to 11 points, updates by hand",
    "mlp_tanh": "64x8-64-64-4 tanh MLP, Adam",
    "mlp_relu": "64x100-100-10 ReLU MLP, SGD",
    "mm_clamp": "64x1000-100-10 network, `mm` and updates by hand",
    "lstm": "LSTM cell written by hand, 32 steps",
    "mlp_mnist": "128x784-512-512-10 MLP, cross entropy, Adam",
    "cnn": "CNN on 32 images of 28x28",
    "gpt": "4-layer GPT, 768 tokens, AdamW",
    "big_elementwise": "`tanh(a*b+c)*a` summed over 4M floats",
    "big_mlp": "512x1024-2048-2048-1024 GELU MLP, SGD",
}


def duration(ns):
    """Nanoseconds in the unit that leaves one to three digits before the point."""
    for unit, size in (("ns", 1), ("µs", 1e3), ("ms", 1e6)):
        if ns < 999.5 * size or unit == "ms":
            value = ns / size
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def table(results):
    """The Markdown table of a run's results, its heading and its foot."""
    machine = results["machine"]
    lines = [f"| one training step, unless it says otherwise | wengert | PyTorch {machine['torch'].split('+')[0]} | | JAX {machine['jax']} jit |",
             "|---|---|---|---|---|"]
    timed = {name: row for section in ("micro", "steps") for name, row in results[section].items()}
    for name, text in ROWS.items():
        ns = {library: row.get("ns") for library, row in timed[name].items()}
        if not ns.get("wengert") or not ns.get("torch"):
            raise SystemExit(f"README.md is left as it was: {name} did not run, or the libraries' values differ")
        jax = duration(ns["jax"]) if ns.get("jax") else ""
        lines.append(f"| {text} | {duration(ns['wengert'])} | {duration(ns['torch'])} | {ns['torch'] / ns['wengert']:.1f}x | {jax} |")
    ms = {name: row["beyond_empty_ms"] for name, row in results["import"].items()}
    lines.append(f"| `import`, beyond an empty interpreter | {ms['wengert']:.0f} ms | {ms['torch']:.0f} ms | {ms['torch'] / ms['wengert']:.0f}x | {ms['jax.numpy']:.0f} ms |")
    lines += ["", f"{machine['processor']}, one thread, CPython {machine['python']}; least times of interleaved runs, machine shared with other work."]
    return "\n".join(lines) + "\n"


def write(results):
    """Puts the table between its two marks."""
    before, rest = README.read_text().split(BEGIN)
    README.write_text(before + BEGIN + table(results) + END + rest.split(END)[1])
