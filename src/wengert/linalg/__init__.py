"""torch.linalg: norms, products, decompositions and equations, with derivatives of every order.

Values of decompositions come from the LAPACK in OpenBLAS (`csrc/ops/decompose.c`, `csrc/ops/factor.c`). Complex eigenvalues (`eig`,
`eigvals`) and the LDL decomposition are not part of wengert.
"""
from .. import ops as _ops
from .._core import matmul  # noqa: F401
from ..composite import matrix_power  # noqa: F401
from ._decompositions import (cholesky, cholesky_ex, det, eigh, eigvalsh, householder_product, lu, lu_factor, lu_factor_ex, qr,  # noqa: F401
                              slogdet, svd, svdvals)
from ._equations import (inv, inv_ex, lstsq, lu_solve, pinv, solve, solve_ex, solve_triangular, tensorinv, tensorsolve)  # noqa: F401
from ._norms import cond, matrix_norm, matrix_rank, norm  # noqa: F401
from ._products import cross, diagonal, matrix_exp, multi_dot, vander, vecdot  # noqa: F401
from ._values import LinAlgError  # noqa: F401

globals().update(_ops._public("linalg"))


def _missing(name, why):
    def function(*args, **kwargs):
        raise NotImplementedError(f"linalg.{name} is not part of wengert: {why}; go through NumPy (x.detach().numpy()) where no gradient is needed")
    function.__name__ = name
    function.__doc__ = "Raises: not part of wengert."
    return function


for _name in ("eig", "eigvals"):
    globals()[_name] = _missing(_name, "its results are complex")
for _name in ("ldl_factor", "ldl_factor_ex", "ldl_solve"):
    globals()[_name] = _missing(_name, "NumPy has no LDL decomposition")
del _name

__all__ = sorted(_n for _n in globals() if not _n.startswith("_"))
