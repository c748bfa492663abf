"""A table of findings: see the package."""
import argparse
import sys
from collections import Counter, defaultdict

from . import isolate


def main():
    parser = argparse.ArgumentParser(prog="python -m torch_data")
    parser.add_argument("what", choices=("operators", "modules", "optimizers"))
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--dtypes")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--verbose", type=int, default=1, help="texts shown of each kind")
    parser.add_argument("--all", action="store_true", help="show known differences too")
    options = parser.parse_intermixed_args()
    from . import known, modules, operators, optimizers
    module = {"operators": operators, "modules": modules, "optimizers": optimizers}[options.what]
    passed = {"limit": options.limit} | ({"dtypes": options.dtypes.split(",")} if options.dtypes else {})
    total, bad, kinds = 0, 0, Counter()
    for name, findings, count in isolate.run_all(module.select(options.names), options.jobs, **passed):
        total += count
        groups = defaultdict(list)
        for variant, dtype, kind, text in findings:
            if kind != "skipped" and (options.all or not known.reason(options.what, name, variant, dtype, kind)):
                groups[variant, kind].append((dtype, text))
        bad += bool(groups)
        for (variant, kind), texts in groups.items():
            kinds[kind] += 1
            print(f"{name} | {variant} | {kind} | " + " ".join(f"{d}:{n}" for d, n in Counter(d for d, _ in texts).items()))
            for _, text in texts[:options.verbose]:
                print("      ", text)
        sys.stdout.flush()
    print(f"{total} samples, {bad} with findings:", dict(kinds))


if __name__ == "__main__":
    main()
