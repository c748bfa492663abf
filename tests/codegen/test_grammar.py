"""Signatures, formulas and the checks of the table, which are fed planted errors."""
import pytest
from wengert_ops.grammar import GrammarError, Node, parse_outs, parse_signature, walk
from wengert_ops.rows import Table


def rows(*extra):
    """A finished table of a few rows, with `extra` called on it before it is finished."""
    table = Table()
    op = table.op
    op("add", "x, other", y="x + other", vjp={"x": "g", "other": "g"}, linear="x+other")
    op("sub", "x, other", y="x - other", vjp={"x": "g", "other": "-g"}, linear="x+other")
    op("mul", "x, other", y="x*other", vjp={"x": "g*other", "other": "g*x"}, linear=("x", "other"))
    op("div", "x, other", y="x/other", types="float", vjp={"x": "g/other", "other": "-g*((x/other)/other)"}, linear="x")
    op("neg", "x", y="-x", vjp={"x": "-g"})
    op("gt", "x, other", y="x > other", types="compare")
    op("eq", "x, other", y="x == other", types="compare")
    op("where", "condition, x, other", y="where(condition, x, other)", bools=("condition",), linear="x+other",
       vjp={"condition": "nondiff", "x": "where(condition, g, 0)", "other": "where(condition, 0, g)"})
    op("exp", "x", y="c:exp", types="float", vjp={"x": "g*y"})
    op("tanh", "x", y="c:tanh", types="float", vjp={"x": "g*(1 - y*y)"})
    for add in extra:
        add(op)
    return table.finish()


def fails(match, *args, **columns):
    with pytest.raises(GrammarError, match=match):
        rows(lambda op: op(*args, **columns))


# ---- signatures ----

def test_signature():
    x, dim, keep, alpha, kind = parse_signature(
        "x, dim: int[]? = None, keepdim: bool = False, *, alpha: Number = 1, kind: str{none,mean} = mean")
    assert (x.type, x.python_name, x.has_default) == ("Tensor", "input", False)
    assert (dim.type, dim.optional, dim.default, dim.aliases) == ("int[]", True, None, ("axis",))
    assert (keep.default, keep.aliases, keep.keyword_only) == (False, ("keepdims",), False)
    assert (alpha.type, alpha.default, alpha.keyword_only) == ("Number", 1, True)
    assert (kind.choices, kind.default) == (("none", "mean"), "mean")


def test_signature_lists_and_options():
    tensors, pads, w = parse_signature("tensors: Tensor[], pads: int[] = (1, 2), w: Tensor? = None")
    assert tensors.type == "Tensor[]" and pads.default == (1, 2) and w.optional and w.is_tensor


@pytest.mark.parametrize("text", ["x: Tensr", "x, x", "2x", "x, alpha: Number = one", "x, a: int = 1, b: int", "x, k: str = a",
                                  "x, k: str{a,b} = c", "x, n: int = 1.5", "x, b: bool = 1", "x, d: int[] = 3", "x, n: int = None"])
def test_signature_errors(text):
    with pytest.raises(GrammarError):
        parse_signature(text)


def test_outs():
    values, indices, rstd = parse_outs("values, indices!nondiff, rstd!kernel")
    assert not values.nondiff and indices.nondiff and not indices.hidden
    assert rstd.hidden and rstd.kernel_only and rstd.nondiff
    assert parse_outs("y[]")[0].is_list
    for text in ("y!fancy", "mask!hidden, y", "1y"):
        with pytest.raises(GrammarError):
            parse_outs(text)


# ---- formulas ----

def formula(text, signature="x, other, alpha: Number = 1, dim: int = 0, k: str{a,b} = a"):
    table = rows(lambda op: op("probe", signature, vjp={"x": text, "other": "nondiff"}, linear=()))
    return table["probe"].vjp["x"]


def test_let_blocks_and_common_subexpressions():
    node = formula("t = exp(x); g*(t/(1 + t))")
    assert sum(n.kind == "call" and n.value == "exp" for n in walk(node)) == 1
    assert formula("g*(exp(x)/(1 + exp(x)))") == node


def test_operators_become_rows():
    node = formula("-g*other")
    assert (node.kind, node.value) == ("call", "mul")
    assert (node.args[0].kind, node.args[0].value) == ("call", "neg")


def test_literals_fold_and_keep_their_kind():
    assert formula("g*(2/4)").args[1].value == 0.5
    assert formula("g*(2*3)").args[1].value == 6 and formula("g*(2*3)").args[1].sort == "int"
    assert formula("g*1") != formula("g*1.0") != formula("g*True")


def test_numbers_stay_numbers():
    node = formula("g*(alpha - 1)")
    assert (node.args[1].kind, node.args[1].sort) == ("op", "number")


def test_conditional_on_attributes():
    node = formula("g if k == 'b' else g*alpha")
    assert node.kind == "if" and node.args[0].args[1].value == 1


@pytest.mark.parametrize("text, match", [
    ("g*unknown", "unknown name"), ("nothing(g)", "no row"), ("g +", "no formula"), ("g*x if x > 0 else g", "use where"),
    ("g if 0 < alpha < 1 else g", "chained"), ("lambda: g", "not part of the grammar"), ("g.sum()", "only named functions"),
    ("x = g; g", "already bound"), ("g if k == 'c' else g", "none of the choices"), ("exp(g, 1)", "positional"),
    ("exp(y=g)", "no free parameter"), ("exp()", "misses"), ("shape(g*x)", "takes an input"), ("[g]", "not part of the grammar"),
    ("g[0.5]", "cannot index")])
def test_formula_errors(text, match):
    with pytest.raises(GrammarError, match=match):
        formula(text)


# ---- what is saved ----

def saved(table, name, param):
    op = table[name]
    return [sorted(s) for s in op.reads(op.param(param))]


def test_saved_sets():
    table = rows(lambda op: op("total", "x, dim: int[]", vjp={"x": "spread(g, shape(x))"}),
                 lambda op: op("spread", "x, shape: int[]", kind="view", vjp={"x": "total(g, shape)"}))
    assert saved(table, "tanh", "x") == [[], [0], [], []]
    assert saved(table, "mul", "x") == [[1], [], [], []]
    assert saved(table, "mul", "other") == [[0], [], [], []]
    assert saved(table, "add", "x") == [[], [], [], []]
    assert saved(table, "total", "x") == [[], [], [0], []]          # the shape alone


def test_kernel_reads_are_saved():
    table = rows(lambda op: op("fused", "x, w", outs="y, rstd!kernel", kernel=True, kernel_reads="x, rstd",
                               vjp={"x": "g*w", "w": "g*x"}, linear=("x", "w")))
    assert saved(table, "fused", "x") == [[0, 1], [1], [], []]


def test_shape_of_a_cotangent_saves_nothing():
    table = rows(lambda op: op("scaled", "x", vjp={"x": "g/numel(g)"}, linear=()))
    assert saved(table, "scaled", "x") == [[], [], [], []]


def test_identity():
    table = rows()
    assert table["add"].is_identity(table["add"].param("x")) and not table["mul"].is_identity(table["mul"].param("x"))


# ---- checks, with planted errors ----

@pytest.mark.parametrize("vjp", ["g*g", "exp(g)", "g + 1", "x", "1", "g/g", "x/g", "where(g > 0, 1, 0)", "where(g > 0, x, x)*1",
                                 "g*x if alpha == 1 else x", "g*tanh(g)", "g + x"])
def test_linearity_is_checked(vjp):
    fails("not linear|does not depend", "bad", "x, alpha: Number = 1", vjp={"x": vjp})


@pytest.mark.parametrize("vjp", ["g*x", "g + g*x", "where(x > 0, g, 0)", "(g - g*x)/x", "g*x if alpha == 1 else g", "-g*exp(x)",
                                 "where(x > 0, 0, -g)"])
def test_linear_formulas_pass(vjp):
    rows(lambda op: op("good", "x, alpha: Number = 1", vjp={"x": vjp}))


def test_closure_is_checked():
    fails("no row", "bad", "x", vjp={"x": "missing(g)"})
    with pytest.raises(GrammarError, match="higher orders would not exist"):
        rows(lambda op: op("dead", "x", vjp="not_implemented"), lambda op: op("bad", "x", vjp={"x": "g*dead(x)"}))
    rows(lambda op: op("dead", "x", vjp="nondiff"), lambda op: op("fine", "x", vjp={"x": "g*dead(x)"}))


def test_coverage_is_checked():
    fails(r"misses \['other'\]", "bad", "x, other", vjp={"x": "g"})
    fails("names .*'z'", "bad", "x", vjp={"x": "g", "z": "g"})
    fails("misses", "bad", "x")


def test_declared_linear_groups_are_checked():
    fails("yet its derivative reads", "bad", "x", vjp={"x": "g*x"}, linear="x")
    fails("yet its derivative reads the output", "bad", "x", vjp={"x": "g*y"}, linear="x")
    fails("no tensor parameter", "bad", "x", vjp={"x": "g"}, linear="z")
    fails("has no derivative", "bad", "x", vjp="nondiff", linear="x")


def test_kernel_only_outputs_stay_out_of_formulas():
    fails("unknown name 'rstd'", "bad", "x", outs="y, rstd!kernel", kernel=True, vjp={"x": "g*rstd"})


def test_recursion_is_checked():
    with pytest.raises(GrammarError, match="calls itself"):
        rows(lambda op: op("one", "x", y="two(x)", vjp="nondiff"), lambda op: op("two", "x", y="one(x)", vjp="nondiff"))


def test_truth_values_are_checked():
    fails("truth value", "bad", "x", y="x > 0", vjp="nondiff")
    fails("truth value", "bad", "x", y="x*2", types="compare")


@pytest.mark.parametrize("columns, match", [
    (dict(kind="tree"), "kind"), (dict(types="some"), "types"), (dict(kernel_reads="x"), "kernel_reads"), (dict(bools=("z",)), "bools"),
    (dict(kind="elementwise"), "formula y="), (dict(outs="y[], z"), "only output"), (dict(outs="x"), "both a parameter")])
def test_columns_are_checked(columns, match):
    fails(match, "bad", "x", vjp={"x": "g"}, **columns)


def test_a_name_stands_once():
    fails("twice", "add", "x", y="x", vjp={"x": "g"})


def test_all_errors_are_reported_at_once():
    with pytest.raises(GrammarError) as caught:
        rows(lambda op: op("one", "x", vjp={"x": "g*g"}), lambda op: op("two", "x", vjp={"x": "exp(g)"}))
    assert "one" in str(caught.value) and "two" in str(caught.value)


# ---- the table itself ----

def test_the_table_stands():
    from wengert_ops.table import TABLE
    assert len(TABLE) >= 150
    for op in TABLE:
        assert set(op.vjp) == {p.name for p in op.tensors}
        assert all(v in ("nondiff", "not_implemented") or op.composed or isinstance(v, Node) for v in op.vjp.values())


def test_overloads_differ():
    """Rows that share a public name must be told apart by their parameters."""
    from wengert_ops.emit_c import publics
    from wengert_ops.table import TABLE
    for name, (_, _, ops) in publics(TABLE).items():
        signatures = [tuple((p.python_name, p.type) for p in op.params) for op in ops]
        assert len(set(signatures)) == len(signatures), name
