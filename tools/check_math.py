"""Run float32 maths functions over all 2^32 inputs and report their largest error.

    python tools/check_math.py [--level v4] [--step N] [NAME...]

The reference is the float64 function of the same name, which tests/codegen/test_math.py holds against mpmath: it
is 2^29 times finer than the float32 result. Prints per function the largest error in ulp, where it is, how many
results were not the nearest float, and whether every infinity, NaN and sign of zero agrees. Takes 10 to 60 s a
function on one core.
"""

import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTIONS = ("exp exp2 expm1 sigmoid tanh sinh cosh log log2 log10 log1p log1pexp softplus log_sigmoid asinh acosh atanh erf erfc "
             "erfinv sin cos tan asin acos atan digamma rsqrt").split()
EASY = ("sin", "cos", "tan")
FLAGS = ["-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", f"-I{ROOT / 'csrc'}"]
LEVELS = {"base": [], "v2": ["-march=x86-64-v2"], "v3": ["-march=x86-64-v3"],
          "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}

MAIN = r"""
#include "kernels/wg_math.h"
#include <stdio.h>
#include <stdlib.h>

enum { N = 1 << 14 };
static float x[N], y[N];
static double exact[N], error[N];

__attribute__((noinline)) static void run(int64_t n) {
    @LOOP32@
    @LOOP64@
    WG_VECTOR
    for (int64_t i = 0; i < n; i++) {
        double r = exact[i], a = __builtin_fabs(r);
        double ulp = wg_from_bits_f64(wg_bits_f64(a) & 0x7ff0000000000000u) * 0x1p-23;
        ulp = ulp > 0x1p-149 ? ulp : 0x1p-149;
        double e = __builtin_fabs((double)y[i] - r) / ulp;
        float nearest = (float)r;
        int plain = (a <= WG_MAX_F32) & (__builtin_fabsf(y[i]) <= WG_MAX_F32);
        int same = ((y[i] != y[i]) & (r != r)) | ((y[i] == nearest) & (wg_signbit_f32(y[i]) == wg_signbit_f32(nearest)));
        int zeros = (r == 0.0) & !same;                      /* a zero of the other sign, or no zero */
        error[i] = (plain & !zeros) ? e : same ? 0.0 : 1e9;
    }
}

int main(int argc, char **argv) {
    uint64_t step = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, total = 0, wrong = 0;
    double worst = -1.0;
    float where = 0.0f;
    for (uint64_t bits = 0; bits < 0x100000000u;) {
        int n = 0;
        for (; n < N && bits < 0x100000000u; n++, bits += step) x[n] = wg_from_bits_f32((uint32_t)bits);
        run(n);
        for (int i = 0; i < n; i++) {
            wrong += error[i] > 0.5;
            if (error[i] > worst) { worst = error[i]; where = x[i]; }
        }
        total += (uint64_t)n;
    }
    printf("%-12s %.4f ulp at %a; %.4f %% of %llu not nearest%s\n", "@NAME@", worst, (double)where, 100.0 * (double)wrong / (double)total,
           (unsigned long long)total, worst > 1e8 ? "; SPECIAL VALUE DIFFERS" : "");
    return worst > 2.0;
}
"""


def loop(name, kind, to, source):
    if name in EASY:
        return (f"WG_EASY_LOOP(n, wg_{name}_easy_{kind}({source}), {to}[i] = wg_{name}_fast_{kind}({source}), "
                f"{to}[i] = wg_{name}_{kind}({source}))")
    return f"WG_VECTOR\n    for (int64_t i = 0; i < n; i++) {to}[i] = wg_{name}_{kind}({source});"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", default=FUNCTIONS)
    parser.add_argument("--level", choices=LEVELS, default="v4")
    parser.add_argument("--step", type=int, default=1)
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in options.names or FUNCTIONS:
            source = pathlib.Path(folder, name + ".c")
            text = MAIN.replace("@LOOP32@", loop(name, "f32", "y", "x[i]")).replace("@NAME@", f"{name} {options.level}")
            source.write_text(text.replace("@LOOP64@", loop(name, "f64", "exact", "(double)x[i]")))
            program = source.with_suffix("")
            subprocess.run([*shlex.split(os.environ.get("CC", "cc")), *FLAGS, *LEVELS[options.level], f"-DWG_ISA={options.level}", source,
                            "-o", program, "-lm"], check=True)
            failed |= subprocess.run([program, str(options.step)], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
