"""What the emitters write: deterministic, warning-free C whose loops compute the formulas."""
import os
import subprocess
import sys

import numpy as np
import pytest
from compiled import Loops, compile_c
from conftest import OPS
from wengert_ops import emit_c, table as table_module
from wengert_ops.grammar import GrammarError
from wengert_ops.rows import Table
from wengert_ops.table import PARTS, TABLE, build


@pytest.fixture(scope="session")
def loops(tmp_path_factory):
    """All loops of the table."""
    return Loops(TABLE, tmp_path_factory.mktemp("loops"))


def test_output_is_deterministic(tmp_path):
    """Two processes with different hash seeds write the same bytes."""
    for seed in ("1", "2"):
        subprocess.run([sys.executable, str(OPS / "emit_c.py"), str(tmp_path / seed)], check=True,
                       env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"})
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / s).iterdir()} for s in ("1", "2"))
    assert first == second and {"wg_ops_gen.h", "wg_ops_table.c", "loops_table.c"} <= set(first)
    assert all(b"do not edit" in text.splitlines()[0] for text in first.values())


def test_equal_files_are_left_alone(tmp_path):
    emit_c.write(TABLE, tmp_path)
    stamps = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    emit_c.write(TABLE, tmp_path)
    assert stamps == {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}


def test_table_compiles_without_warnings(tmp_path):
    emit_c.write(TABLE, tmp_path)
    compile_c(tmp_path / "wg_ops_table.c", tmp_path / "table.o", "-O0", "-c")


def test_every_loop_has_a_function_for_its_types(loops):
    for op in TABLE:
        if op.kind != "elementwise":
            continue
        expected = {"float": "f", "float_only": "f", "int": "i"}.get(op.types, "fi") if not op.computes else "f"
        assert loops.has(op.name, "f32") == loops.has(op.name, "f64") == ("f" in expected), op.name
        assert loops.has(op.name, "i64") == ("i" in expected), op.name


# ---- one row more ----

def added(*rows):
    class Extra:
        @staticmethod
        def define(op):
            for args, columns in rows:
                op(*args, **columns)
    return build((*PARTS, Extra))


def test_adding_a_row_is_adding_one_row(tmp_path):
    table = Table()
    for part in PARTS[:3]:
        part.define(table.op)
    table.op("softclip", "x, limit: Number = 1", y="t = x/limit; limit*tanh(t)", types="float",
             vjp={"x": "t = tanh(x/limit); g*(1 - t*t)"})
    table.rows = {k: v for k, v in table.rows.items() if v.kind == "elementwise"}
    loops = Loops(table.finish(), tmp_path)
    x = np.linspace(-3, 3, 1001)
    g = np.cos(x)
    y, = loops("softclip", "f64", [x], [2.0])
    np.testing.assert_allclose(y, 2*np.tanh(x/2), rtol=1e-14)
    gx, = loops("softclip_vjp1", "f64", [g, x], [2.0])
    np.testing.assert_allclose(gx, g*(1 - np.tanh(x/2)**2), rtol=1e-13)
    y32, = loops("softclip", "f32", [x], [2])
    np.testing.assert_allclose(y32, 2*np.tanh(x.astype(np.float32)/2), rtol=1e-6)
    assert not loops.has("softclip", "i64")


def test_a_row_that_makes_no_sense_in_integers_fails_the_build(tmp_path):
    table = added((("halved", "x"), dict(y="x*0.5", vjp={"x": "g*0.5"})))
    with pytest.raises(GrammarError, match="0.5 in an integer loop"):
        emit_c.emit_all(table)


# ---- values ----

RNG = np.random.default_rng(0)
A, B = RNG.uniform(.5, 4, 1031), RNG.uniform(.5, 4, 1031)
I, J = RNG.integers(-50, 50, 1031), RNG.integers(1, 9, 1031)
NUMPY = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum, "minimum": np.minimum, "remainder": np.remainder,
         "floor_divide": np.floor_divide, "fmod": np.fmod, "eq": np.equal, "lt": np.less, "ge": np.greater_equal}


@pytest.mark.parametrize("name", NUMPY)
@pytest.mark.parametrize("compute", ["f32", "f64", "i64"])
def test_forward(loops, name, compute):
    x, other = (I, J) if compute == "i64" else (A.astype(compute.replace("f", "float")), B.astype(compute.replace("f", "float")))
    y, = loops(name, compute, [x, other])
    np.testing.assert_array_equal(y, NUMPY[name](x, other).astype(y.dtype))


def test_integers_wrap(loops):
    edge = np.array([2**63 - 1, -2**63, -2**63, 5])
    np.testing.assert_array_equal(loops("add", "i64", [edge, edge])[0], edge + edge)
    np.testing.assert_array_equal(loops("neg", "i64", [edge])[0], -edge)
    np.testing.assert_array_equal(loops("mul", "i64", [edge, edge])[0], edge*edge)


def test_bools(loops):
    a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    for name, expected in (("logical_and", a & b), ("logical_or", a | b), ("logical_xor", a ^ b)):
        for compute in ("f32", "f64", "i64"):
            np.testing.assert_array_equal(loops(name, compute, [a, b])[0], expected)
    np.testing.assert_array_equal(loops("where", "f64", [a, a + 5., b + 7.])[0], np.where(a, a + 5., b + 7.))


def test_optional_attributes(loops):
    x = np.linspace(.01, .99, 99)
    np.testing.assert_allclose(loops("logit", "f64", [x], [None])[0], np.log(x/(1 - x)), rtol=1e-13, atol=1e-15)
    z = np.clip(x, .2, .8)
    np.testing.assert_allclose(loops("logit", "f64", [x], [.2])[0], np.log(z/(1 - z)), rtol=1e-13, atol=1e-15)


def test_attribute_tests_choose_the_loop(loops):
    for exponent, expected in ((2, A*A), (3, A*A*A), (.5, np.sqrt(A)), (1, A), (-1, 1/A)):
        np.testing.assert_array_equal(loops("pow_scalar", "f64", [A], [exponent])[0], expected)
    np.testing.assert_array_equal(loops("pow_scalar", "i64", [I], [2])[0], I*I)


@pytest.mark.parametrize("compute", ["f32", "f64"])
@pytest.mark.parametrize("add", [0, 1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 255, 256, 257, 1031])
def test_vjp_stores_or_adds(loops, compute, add, n):
    dtype = np.float32 if compute == "f32" else np.float64
    g, x, other = (v[:n].astype(dtype) for v in (A + B, A, B))
    stored = loops("mul_vjp3", compute, [g, x, other])
    np.testing.assert_array_equal(stored, [g*other, g*x])
    before = [np.full(n, 3, dtype), np.full(n, 5, dtype)]
    after = loops("mul_vjp3", compute, [g, x, other], add=add, outputs=[b.copy() for b in before])
    for k in range(2):
        np.testing.assert_array_equal(after[k], before[k] + stored[k] if add >> k & 1 else stored[k])


def test_vjp_with_a_bool_input_adds(loops):
    g, condition = A, (I > 0).astype(np.uint8)
    out, = loops("where_vjp2", "f64", [g, condition], add=1, outputs=[np.ones_like(g)])
    np.testing.assert_array_equal(out, 1 + np.where(condition, g, 0))


def test_output_may_be_an_input(loops):
    x = A.copy()
    loops("mul", "f64", [x, x], outputs=[x])
    np.testing.assert_array_equal(x, A*A)


@pytest.mark.parametrize("compute", ["f32", "f64"])
def test_hard_arguments_take_the_general_body(loops, compute):
    """Huge angles and quotients in some blocks: right there, and no other element notices. In place as well."""
    dtype = np.float32 if compute == "f32" else np.float64
    x = np.concatenate([A, B, A + B]).astype(dtype)
    hard = x.copy()
    hard[[3, 700, 701, 3000]] = [1e22, -3e30, 2.0**40, 1e35]
    for name, f in (("sin", np.sin), ("cos", np.cos), ("tan", np.tan)):
        easy, = loops(name, compute, [x])
        y, = loops(name, compute, [hard.copy()])
        np.testing.assert_array_equal(y[x == hard], easy[x == hard])
        np.testing.assert_allclose(y, f(hard.astype(np.float64)).astype(dtype), rtol=np.finfo(dtype).eps)
        inside = hard.copy()
        loops(name, compute, [inside], outputs=[inside])
        np.testing.assert_array_equal(inside, y)
    g = np.full_like(x, 3)
    y, = loops("sin_vjp1", compute, [g, hard])
    np.testing.assert_array_equal(y, 3*loops("cos", compute, [hard])[0])
    for name, f in (("fmod", np.fmod), ("remainder", np.remainder)):
        np.testing.assert_array_equal(loops(name, compute, [hard, g])[0], f(hard, g))


def test_every_vjp_loop_is_its_formula_row_by_row(loops):
    """Bits of a fused VJP against the same formula replayed through the forward loops of its rows, for every mask."""
    from replay import replay
    tried = 0
    for op in TABLE:
        for mask, loop in loops.vjps.get(op.name, {}).items():
            for sample in op.samples or ({},):
                attrs = [coded(p, sample.get(p.name, p.default)) for p in op.attrs]
                low, high = op.domain
                rng = np.random.default_rng(mask)
                xs = [(rng.random(257) > .5).astype(float) if p.name in op.bools else rng.uniform(low, high, 257) for p in op.tensors]
                for compute, dtype in (("f32", np.float32), ("f64", np.float64)):
                    x = [v.astype(np.uint8 if p.name in op.bools else dtype) for v, p in zip(xs, op.tensors)]
                    y, g = loops(op.name, compute, x, attrs)[0], rng.standard_normal(257).astype(dtype)
                    inputs = [{"x": x, "y": [y], "g": [g]}[n.kind][n.value] for _, n, _ in loop.inputs]
                    fused = loops(loop.name, compute, inputs, attrs)
                    for (name, formula, _), got in zip(loop.outputs, fused):
                        expected = replay(loops, op, formula, compute, x, y, g, dict(zip((p.name for p in op.attrs), attrs)))
                        np.testing.assert_array_equal(got, expected, err_msg=f"{loop.name} {name} {compute} {sample}")
                        tried += 1
    assert tried > 400


def coded(p, value):
    return p.choices.index(value) if p.choices else value


def test_table_module_is_built_once():
    assert table_module.TABLE is TABLE


# ---- Python ----

def test_stubs_parse_and_name_every_public_row():
    import ast
    from wengert_ops import emit_py
    files = emit_py.emit_all(TABLE)
    assert files == emit_py.emit_all(build())
    defined = {}
    for name, text in files.items():
        if name.endswith(".pyi"):
            assert "do not edit" in text.splitlines()[0]
            defined[name] = {n.name for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)}
    for op in TABLE:
        for letter, name in zip("tmfsl", ("torch", "tensor", "functional", "special", "linalg")):
            if letter in op.where and not (op.variadic and letter == "m"):
                assert op.public in defined[f"table_{name}.pyi"], (op.name, name)
        if op.inplace and "m" in op.where:
            assert op.public + "_" in defined["table_tensor.pyi"], op.name


def test_what_rows_save():
    rows = {op.name: op for op in TABLE}
    x, = rows["tanh"].tensors
    of_x, of_y, *_ = rows["tanh"].reads(x)
    assert (sorted(of_x), sorted(of_y)) == ([], [0])           # y alone: x may be written in place
    values, indices = rows["max_dim"].outs
    assert (values.nondiff, indices.nondiff, indices.hidden) == (False, True, False)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_polygamma(loops, n):
    """Against mpmath, reflection and poles included."""
    mpmath = pytest.importorskip("mpmath")
    x = np.concatenate([np.linspace(-5.3, 20, 211), [1e-5, .499, .5, 100.25, 1e6, 1e-30, -12345.25]])
    y, = loops("polygamma", "f64", [x], [n])
    expected = np.array([float(mpmath.polygamma(n, mpmath.mpf(float(v)))) for v in x])
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    assert np.isinf(loops("polygamma", "f64", [np.array([0., -1., -7.])], [n])[0]).all()
    assert np.isnan(loops("polygamma", "f64", [np.array([np.nan])], [2])[0]).all()


# ---- VJP functions ----

def vjp_function(*rows, name="probe"):
    """The C text of the VJP of one row of a small table."""
    from wengert_ops import vjp_c
    return vjp_c.Writer(table := added(*rows), table[name]).write()


def test_only_wanted_inputs_are_computed_and_common_values_shared():
    text = vjp_function((("probe", "x, other, third"), dict(
        vjp={"x": "g*exp(x*other) + g*2", "other": "g*exp(x*other) - g*2", "third": "g*2"}, linear=())))
    assert text.count("WG_OP_exp") == 1
    shared, rest = text.split("if (c->want[0] || c->want[1]) {")[1].split("if (c->want[0]) {")
    assert "WG_OP_exp" in shared and "WG_OP_exp" not in rest
    assert "if (c->want[0] || c->want[1] || c->want[2]) {" in text


def unmade(function):
    """The lines that read a slot which is not written in their block, around it, or before under a condition that covers it."""
    written, stack, found = {}, [], []
    for line in function.splitlines():
        text = line.strip()
        if text.startswith("}"):
            stack.pop()
        reads, writes = slots(text)
        found += [line for k in reads if k not in written or not covers(written[k], stack)]
        for k in writes:
            written[k] = list(stack) if k not in written else common(written[k], stack)
        if text.endswith("{"):
            stack.append(text.lstrip("} "))
    return found


def test_every_operand_is_made_where_it_is_used():
    from wengert_ops import vjp_c
    for op in TABLE:
        if vjp_c.has_vjp(op):
            assert not unmade(vjp_c.Writer(TABLE, op).write()), op.name


def test_operands_that_are_not_made_are_found():
    """The checker above, fed what the emitter could get wrong."""
    head, tail = "static int vjp_f(wg_vjp_call *c) {", "}"
    make, use = "if (wg_apply(1, {c->g[0]}, 1, NULL, &t[0]) < 0) goto fail;", "wg_val_share(&c->gx[1], &t[0]);"
    for lines, wrong in (
            ([make, use], 0), ([use, make], 1), (["if (c->want[0]) {", make, "}", "if (c->want[1]) {", use, "}"], 1),
            (["if (c->want[0] || c->want[1]) {", make, "}", "if (c->want[1]) {", use, "}"], 0),
            (["if (c->want[0]) {", "if (a) {", make, "}", use, "}"], 1),
            (["if (c->want[0]) {", "if (a) {", make, "} else {", make, "}", use, "}"], 0),
            (["wg_number_int(&t[0], 2);", use], 0), (["if (c->want[0]) {", "wg_number_int(&t[0], 2);", "}", "if (c->want[1]) {", use, "}"], 1)):
        assert len(unmade("\n".join([head, *lines, tail]))) == wrong, lines


def test_numbers_are_made_for_each_input():
    """A number that a shared value needs is not there for an input that does not share it."""
    text = vjp_function((("probe", "x, other, third"), dict(
        vjp={"x": "g*exp(x*2)", "other": "g*exp(x*2)", "third": "g*2"}, linear=())))
    assert not unmade(text) and text.count("wg_number_int") == 2


def slots(text):
    """(read, written) numbers of &t[k] in a statement."""
    import re
    numbers = [int(k) for k in re.findall(r"&t\[(\d+)\]", text)]
    if text.startswith(("wg_val_release", "for")) or not numbers:
        return [], []
    if text.startswith(("wg_number", "number_of")):
        return [], numbers
    if text.startswith("wg_val_share"):
        target = re.match(r"wg_val_share\((?:&t\[(\d+)\])?", text)[1]
        return numbers[1:] if target else numbers, [int(target)] if target else []
    target = re.search(r"&t\[(\d+)\]\) < 0", text)
    return (numbers[:-1], [int(target[1])]) if target else (numbers, [])


def wants(stack):
    """The inputs under which a block runs: None is always."""
    import re
    for head in stack:
        if "c->want[" in head:
            return set(re.findall(r"want\[(\d+|i)\]", head))
    return None


def covers(made, stack):
    """Does whatever ran under `made` run whenever `stack` does?"""
    first, second = wants(made), wants(stack)
    inner = [h for h in made if "want" not in h and not h.startswith(("static", "for"))]
    return (first is None or (second is not None and second <= first)) and all(h in stack for h in inner)


def common(a, b):
    return [h for h, k in zip(a, b) if h == k]
