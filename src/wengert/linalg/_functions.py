"""Decompositions with their derivatives. Formulas: Giles, "An extended collection of matrix derivative results" (2008), and the
differentials of the defining equations; every backward is made of differentiable operations, so that all orders exist.

Decompositions are derivatives' functions only where they are unique: eigenvectors and singular vectors need distinct values,
which shows as infinities.
"""
from .. import ops
from .._core import Tensor
from ..autograd.function import Function
from . import _values


def t(x):
    """The matrices transposed."""
    return ops.transpose(x, -2, -1)


def sum_to(x, shape):
    """x summed over the dimensions that broadcasting added or stretched."""
    return x if tuple(x.shape) == tuple(shape) else ops.sum_to(x, tuple(shape))


def half_diagonal(x):
    """The lower triangle with half the diagonal."""
    return x.tril() - (ops.diagonal(x, 0, -2, -1) * 0.5).diag_embed()


def eye_like(x):
    """The unit matrix of the last two dimensions."""
    from ..creation import eye
    return eye(x.shape[-1], dtype=x.dtype)


def parity(pivots, dtype):
    """1 or -1: the sign of a sequence of row exchanges."""
    from ..creation import arange
    exchanges = (pivots != arange(1, pivots.shape[-1] + 1, dtype=pivots.dtype)).sum(-1)
    return 1 - 2 * (exchanges % 2).to(dtype)


class CholeskySolve(Function):
    """X with L L^T X = B: gB likewise of g, gL = (gA + gA^T) L with gA = -gB X^T, all of it, as if L were any factor."""

    @staticmethod
    def forward(ctx, b, lower):
        x = ops._solve_triangular(t(lower), ops._solve_triangular(lower, b, False, False), True, False)
        ctx.save_for_backward(lower, x)
        ctx.shapes = b.shape, lower.shape
        return x

    @staticmethod
    def backward(ctx, g):
        lower, x = ctx.saved_tensors
        gb = CholeskySolve.apply(g, lower)
        ga = gb @ t(x)
        return sum_to(gb, ctx.shapes[0]), sum_to(-((ga + t(ga)) @ lower), ctx.shapes[1])


def _pivots(a):
    """The diagonal of U in A = P L U, and the determinant of P."""
    lu, pivots, _ = ops._lu_factor_ex(a)
    return ops.diagonal(lu, 0, -2, -1), parity(pivots, a.dtype)


class LinalgDet(Function):
    """det(A): gA = g det(A) A^-T; of a singular matrix g times its cofactors, from the singular values."""

    @staticmethod
    def forward(ctx, a):
        ctx.diagonal, sign = _pivots(a)
        y = ctx.diagonal.prod(-1) * sign
        ctx.save_for_backward(a, y)
        return y

    @staticmethod
    def backward(ctx, g):
        a, y = ctx.saved_tensors
        if a.numel() == 0:
            return ops.expand(g.unsqueeze(-1).unsqueeze(-1), tuple(a.shape)) * a
        size = ctx.diagonal.abs()
        if (size.amin(-1) > 1e-14 * size.amax(-1)).all():       # of U: no row depends on the others
            return (g * y).unsqueeze(-1).unsqueeze(-1) * t(ops._inv_ex(a)[0])
        u, s, vh, _ = ops._svd(a, False)
        n = s.shape[-1]
        others = ops.where(eye_like(a) == 1, 1.0, s.unsqueeze(-2).expand(*s.shape, n)).prod(-1)
        for factor in (u, vh):                                  # orthogonal: their determinants are 1 or -1
            pivots, exchanges = _pivots(factor.detach())
            g = g * pivots.sign().prod(-1) * exchanges
        return (u * (others * g.unsqueeze(-1)).unsqueeze(-2)) @ vh


class LinalgSlogdet(Function):
    """Sign and log|det A|: gA = g A^-T."""

    @staticmethod
    def forward(ctx, a):
        d, sign = _pivots(a)
        ctx.save_for_backward(a)
        return d.sign().prod(-1) * sign, d.abs().log().sum(-1)

    @staticmethod
    def backward(ctx, _, g):
        a, = ctx.saved_tensors
        return g.unsqueeze(-1).unsqueeze(-1) * t(ops._inv_ex(a)[0])


class CompleteQr(Function):
    """A = Q R with a square Q of more columns than A has, which those of A do not determine."""

    @staticmethod
    def forward(ctx, a):
        return tuple(ops._qr(a, True, True))

    @staticmethod
    def backward(ctx, *_):
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")


class LinalgLuFactorEx(Function):
    """P A = L U in one matrix: with F the lower triangle (no diagonal) of L^T gL and the upper triangle of gU U^T,
    gA = P L^-T F U^-T for square A; further columns are L^-1 times those of A, further rows those of A times U^-1."""

    @staticmethod
    def forward(ctx, a):
        compact, pivots, info = ops._lu_factor_ex(a)
        ctx.save_for_backward(compact, pivots)
        ctx.mark_non_differentiable(pivots, info)
        return compact, pivots, info

    @staticmethod
    def backward(ctx, g, *_):
        compact, pivots = ctx.saved_tensors
        m, n = compact.shape[-2:]
        p = _values.permutation(pivots, m, compact.dtype)
        k = min(m, n)
        square, gs = compact[..., :k, :k], g[..., :k, :k]
        gl, gu = gs.tril(-1), gs.triu()
        lower, upper = square.tril(-1) + eye_like(square), square.triu()
        if m > k:                                           # L2 = A2 U^-1
            rows, g_rows = compact[..., k:, :], g[..., k:, :]
            ga_rows = t(ops._solve_triangular(upper, t(g_rows), True, False))
            gu = gu - t(rows) @ ga_rows
        if n > k:                                           # U2 = L^-1 A2
            columns, g_columns = compact[..., k:], g[..., k:]
            ga_columns = ops._solve_triangular(t(lower), g_columns, True, True)
            gl = gl - ga_columns @ t(columns)
        f = (t(lower) @ gl).tril(-1) + (gu @ t(upper)).triu()
        f = ops._solve_triangular(t(lower), f, True, True)
        ga = t(ops._solve_triangular(upper, t(f), True, False))
        if m > k:
            ga = ops.cat([ga, ga_rows], -2)
        if n > k:
            ga = ops.cat([ga, ga_columns], -1)
        return p @ ga


def above(s, atol, rtol):
    """Where s > max(atol, rtol * the largest s). atol, rtol: numbers, or tensors over the batch."""
    def column(tol):
        return tol.unsqueeze(-1) if isinstance(tol, Tensor) else tol

    relative, atol = s.amax(-1, keepdim=True) * column(rtol), column(atol)
    return s > (ops.maximum(relative, atol) if isinstance(atol, Tensor) else relative.clamp(min=atol))


def inverse_above(s, atol, rtol):
    """1 / s, or 0 where s counts as zero."""
    return ops.where(above(s, atol, rtol), 1 / s, 0.0)


class LinalgPinv(Function):
    """The Moore-Penrose inverse P of matrices of constant rank: gA = -P^T g P^T + (1 - A P) g^T P P^T + P^T P g^T (1 - P A)."""

    @staticmethod
    def forward(ctx, a, atol, rtol, hermitian):
        if hermitian:
            w, v, info = ops._eigh(a, False)
            _values.fail("linalg.eigh", info, _values.EIGENVALUES)
            u, s, vh = v * w.sign().unsqueeze(-2), w.abs(), t(v)
        else:
            u, s, vh, info = ops._svd(a, False)
            _values.fail("linalg.svd", info, _values.SINGULAR_VALUES)
        p = t(vh) @ (inverse_above(s, atol, rtol).unsqueeze(-1) * t(u))
        ctx.save_for_backward(a, p)
        return p

    @staticmethod
    def backward(ctx, g):
        a, p = ctx.saved_tensors
        pt, gt = t(p), t(g)
        first = gt @ p @ pt
        second = pt @ p @ gt
        return -(pt @ g @ pt) + first - a @ (p @ first) + second - (second @ p) @ a, None, None, None
