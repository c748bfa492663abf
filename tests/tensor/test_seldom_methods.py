"""Methods of Tensor that few programs call. Compared with torch."""
import pytest

pytest.importorskip("torch")
from tests.like_torch import assert_same  # noqa: E402

EXPRESSIONS = """
z(3, 3).fill_diagonal_(2) | z(5, 3).fill_diagonal_(2) | z(3, 5).fill_diagonal_(2) | z(7, 3).fill_diagonal_(2, wrap=True) | z(8, 3).fill_diagonal_(1, True)
z(3, 5).fill_diagonal_(2, wrap=True) | z(3, 3, 3).fill_diagonal_(2) | z(4, 3).t().fill_diagonal_(2) | z(3).fill_diagonal_(1) | z(2, 3, 3).fill_diagonal_(1)
z(4, 3).fill_diagonal_(1, True) | z(5, 3).fill_diagonal_(1, True) | z(2, 2).apply_(lambda v: v + 1) | z(2, 2).map_(o(2, 2), lambda a, b: a + 2 * b)
z(2, 2).map_(o(2), lambda a, b: a - b) | z(2).requires_grad_().apply_(abs) | z(2, 3).dim_order() | z(2, 3).t().dim_order() | z(2, 3, 4).permute(2, 0, 1).dim_order()
z(2).is_conj() | z(2).is_neg() | z(2).is_distributed() | z(2).is_sparse_csr | z(2).is_xla | z(2).is_mtia | z(2).to_dense() | z(2).name
"""


@pytest.mark.parametrize("text", [e.strip() for line in EXPRESSIONS.strip().splitlines() for e in line.split(" | ")])
def test_expressions(text):
    assert_same(lambda t: eval(text, {"t": t, "z": t.zeros, "o": t.ones}))


def test_diagonals_are_recorded():
    def program(t):
        x = t.ones(3, 3, dtype=t.float64, requires_grad=True)
        y = (x * 2).fill_diagonal_(5)
        (y * y).sum().backward()
        return x.grad
    assert_same(program)
