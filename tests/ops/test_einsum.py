"""einsum against torch: values and derivatives, drawn equations, errors, and plans that are made once."""
import random

import numpy as np
import pytest
from close_to_torch import close_derivatives, close_value

import wengert
from wengert.composite import contraction

EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("bij,bkj->bik", (2, 3, 4), (2, 5, 4)), ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("i,j->ij", (2,), (3,)), ("i,i->", (3,), (3,)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("iij->j", (2, 2, 3)), ("ijk->kij", (2, 3, 4)), ("ij->", (2, 3)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 4)), ("...i->...", (2, 3, 4)), ("i...,i...->...", (2, 3), (2, 1)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("ij,ij,ij->i", (2, 3), (2, 3), (2, 3)), ("b,bij->ij", (2,), (2, 3, 4)), ("ij,kj->ik", (2, 1), (3, 4)), ("ij,jk->ik", (0, 3), (3, 4)),
    ("ij,jk->ik", (2, 0), (0, 4)), ("ij, jk -> ik", (2, 3), (3, 4)), ("dd,be", (2, 2), (1, 2)), (",ij->ij", (), (2, 3)), ("aab,b", (2, 2, 3), (3,)),
]


@pytest.mark.parametrize("case", EQUATIONS, ids=str)
def test_equations(case):
    equation, *shapes = case
    generator = np.random.default_rng(1)
    xs = [generator.standard_normal(shape) for shape in shapes]
    text = f"torch.einsum({equation!r}, {', '.join('xyz'[:len(xs)])})"
    close_value(text, *xs)
    close_derivatives(text, *xs)


def drawn_equations(count):
    draw = random.Random(0)
    for _ in range(count):
        sizes = {c: draw.choice([1, 2, 3]) for c in "abcde"}
        terms = ["".join(draw.choice("abcde") for _ in range(draw.randint(0, 4))) for _ in range(draw.choice([1, 2, 2, 3]))]
        used = sorted(set("".join(terms)))
        out = "" if draw.random() < .3 else "->" + "".join(draw.sample(used, draw.randint(0, len(used))))
        yield ",".join(terms) + out, [[1 if draw.random() < .1 else sizes[c] for c in term] for term in terms]


def test_drawn_equations():
    torch = pytest.importorskip("torch")
    compared = 0
    for equation, shapes in drawn_equations(400):
        xs = [np.random.default_rng(k).standard_normal(shape) for k, shape in enumerate(shapes)]
        results = []
        for lib in wengert, torch:
            try:
                results.append(lib.einsum(equation, *[lib.from_numpy(np.asarray(x)) for x in xs]))
            except RuntimeError as error:
                results.append(error)
        ours, theirs = results
        assert isinstance(ours, RuntimeError) == isinstance(theirs, RuntimeError), (equation, shapes, results)
        if not isinstance(ours, RuntimeError):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-10, atol=1e-12, err_msg=f"{equation} {shapes}")
            compared += 1
    assert compared > 200


def test_sublists_and_lists():
    close_value("torch.einsum(x, [0, 1], y, [1, 2], [0, 2])", np.ones((2, 3)), np.ones((3, 4)))
    close_value("torch.einsum(x, [Ellipsis, 1], y, [1, 2])", np.ones((2, 3)), np.ones((3, 4)))
    close_value("torch.einsum('ij,jk->ik', [x, y])", np.ones((2, 3)), np.ones((3, 4)))


@pytest.mark.parametrize("equation", ["ij,jk->ik", "i->j", "i->ii", "i,j,k", "i1->i", "ij", "ii,j"])
def test_errors(equation):
    with pytest.raises(RuntimeError, match=r"^einsum\(\): "):
        wengert.einsum(equation, wengert.ones(2), wengert.ones(3))


def test_a_plan_serves_all_operands_of_its_shapes():
    x, y = wengert.randn(2, 3), wengert.randn(3, 4)
    wengert.einsum("ij,jk->ik", x, y)
    before = contraction._plan.cache_info()
    assert wengert.equal(wengert.einsum("ij,jk->ik", 2 * x, y), 2 * x @ y)
    after = contraction._plan.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)


def test_the_result_is_a_tensor_of_its_own():
    x = wengert.ones(2, requires_grad=True)
    y = wengert.einsum("i->i", x)
    assert y is not x
    assert y.requires_grad


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32"])
@pytest.mark.parametrize("equation, shapes", [
    ("bi,bi->b", [(6, 5), (6, 5)]), ("bi,bi->b", [(6, 5), (1, 5)]), ("bhi,hib->bh", [(2, 3, 4), (3, 4, 2)]), ("bij,bij->b", [(2, 3, 4)] * 2),
    ("bi,bi,b->b", [(6, 5), (6, 5), (6,)]), ("bi,bi->b", [(6, 0), (6, 0)]), ("bi,bi->b", [(3, 64), (3, 64)]), ("bi,bi->b", [(3, 65), (3, 65)]),
], ids=str)
def test_products_of_many_vectors(equation, shapes, dtype):
    """Short ones are multiplied element by element and summed, long ones are matrix products."""
    arrays = [(np.arange(np.prod(s)) % 5 - 2).reshape(s) for s in shapes]
    tensors = [wengert.tensor(a).to(getattr(wengert, dtype)) for a in arrays]
    result = wengert.einsum(equation, *tensors)
    assert result.dtype is getattr(wengert, dtype) and np.array_equal(result.tolist(), np.einsum(equation, *arrays))


def test_gradients_of_products_of_vectors():
    x, y = (wengert.randn(4, 3, dtype=wengert.float64).requires_grad_() for _ in range(2))
    assert wengert.autograd.gradcheck(lambda a, b: wengert.einsum("bi,bi->b", a, b), (x, y))
    assert wengert.autograd.gradgradcheck(lambda a, b: wengert.einsum("bi,bi->b", a, b), (x, y))
