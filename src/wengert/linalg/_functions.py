"""Decompositions with their derivatives. Formulas: Giles, "An extended collection of matrix derivative results" (2008), and the
differentials of the defining equations; every backward is made of differentiable operations, so that all orders exist.

Decompositions are derivatives' functions only where they are unique: eigenvectors and singular vectors need distinct values,
which shows as infinities.
"""
from .. import ops
from ..autograd.function import Function
from . import _values
from ._values import array_of, tensor_of


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


class LinalgDet(Function):
    """det(A): gA = g det(A) A^-T; of a singular matrix g times its cofactors, from the singular values."""

    @staticmethod
    def forward(ctx, a):
        lu, pivots, _ = ops._lu_factor_ex(a)
        y = ops.diagonal(lu, 0, -2, -1).prod(-1) * parity(pivots, a.dtype)
        ctx.save_for_backward(a, y)
        return y

    @staticmethod
    def backward(ctx, g):
        a, y = ctx.saved_tensors
        if a.numel() == 0:
            return ops.expand(g.unsqueeze(-1).unsqueeze(-1), tuple(a.shape)) * a
        values = array_of(a)
        if _values.call("cond", values).max() < 1e14:
            return (g * y).unsqueeze(-1).unsqueeze(-1) * t(ops._inv_ex(a)[0])
        u, s, vh = LinalgSvd.apply(a, False)
        n = s.shape[-1]
        others = ops.where(eye_like(a) == 1, 1.0, s.unsqueeze(-2).expand(*s.shape, n)).prod(-1)
        sign = tensor_of((_values.call("det", array_of(u)) * _values.call("det", array_of(vh))).astype(values.dtype))
        return (u * (others * (sign * g).unsqueeze(-1)).unsqueeze(-2)) @ vh


class LinalgSlogdet(Function):
    """Sign and log|det A|: gA = g A^-T."""

    @staticmethod
    def forward(ctx, a):
        lu, pivots, _ = ops._lu_factor_ex(a)
        d = ops.diagonal(lu, 0, -2, -1)
        ctx.save_for_backward(a)
        return d.sign().prod(-1) * parity(pivots, a.dtype), d.abs().log().sum(-1)

    @staticmethod
    def backward(ctx, _, g):
        a, = ctx.saved_tensors
        return g.unsqueeze(-1).unsqueeze(-1) * t(ops._inv_ex(a)[0])


class LinalgEigh(Function):
    """A = V diag(L) V^T: gA = V (diag(gL) + skew(V^T gV)/E) V^T with E_ij = L_j - L_i."""

    @staticmethod
    def forward(ctx, a, uplo):
        values, vectors = (tensor_of(r) for r in _values.call("eigh", array_of(a), uplo))
        ctx.save_for_backward(values, vectors)
        return values, vectors

    @staticmethod
    def backward(ctx, g_values, g_vectors):
        values, v = ctx.saved_tensors
        unit = eye_like(v)
        gaps = ops.where(unit == 1, 1.0, values.unsqueeze(-2) - values.unsqueeze(-1))
        turn = t(v) @ g_vectors
        inner = (turn - t(turn)) * 0.5 / gaps
        return v @ (inner + g_values.diag_embed()) @ t(v), None


class LinalgSvd(Function):
    """A = U diag(S) Vh. With full matrices the derivative is that of the columns that S has values for."""

    @staticmethod
    def forward(ctx, a, full_matrices):
        u, s, vh = (tensor_of(r) for r in _values.call("svd", array_of(a), full_matrices=full_matrices))
        ctx.save_for_backward(u, s, vh)
        return u, s, vh

    @staticmethod
    def backward(ctx, gu, gs, gvh):
        u, s, vh = ctx.saved_tensors
        k = s.shape[-1]
        u, gu, vh, gvh = u[..., :k], gu[..., :k], vh[..., :k, :], gvh[..., :k, :]
        m, n = u.shape[-2], vh.shape[-1]
        v, gv = t(vh), t(gvh)
        row, column = s.unsqueeze(-2), s.unsqueeze(-1)
        gaps = ops.where(eye_like(s.unsqueeze(-2)) == 1, 1.0, (row - column) * (row + column))
        left, right = t(u) @ gu, t(v) @ gv
        inner = (left - t(left)) / gaps * row + column * ((right - t(right)) / gaps) + gs.diag_embed()
        ga = u @ inner @ vh
        if m > k:
            ga = ga + (gu - u @ left) / row @ vh
        if n > k:
            ga = ga + u @ t((gv - v @ right) / row)
        return ga, None


class LinalgSvdvals(Function):
    """Singular values alone: gA = U diag(g) Vh."""

    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return tensor_of(_values.call("svd", array_of(a), compute_uv=False))

    @staticmethod
    def backward(ctx, g):
        a, = ctx.saved_tensors
        u, _, vh = LinalgSvd.apply(a, False)
        return u * g.unsqueeze(-2) @ vh


class LinalgQr(Function):
    """A = Q R. For A with at least as many rows as columns: gA = (gQ + Q C) R^-T, C the symmetric completion of the lower triangle of
    R gR^T - gQ^T Q; further columns Y of A are Q times those of R."""

    @staticmethod
    def forward(ctx, a, mode):
        q, r = (tensor_of(x) for x in _values.call("qr", array_of(a), mode=mode))
        ctx.save_for_backward(a, q, r)
        ctx.mode = mode
        return q, r

    @staticmethod
    def backward(ctx, gq, gr):
        a, q, r = ctx.saved_tensors
        m, n = a.shape[-2:]
        if ctx.mode == "complete" and m > n:
            raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
        if m >= n:
            return LinalgQr.tall(q, r, gq, gr), None
        x_r, x_gr, y_gr = r[..., :m], gr[..., :m], gr[..., m:]
        gx = LinalgQr.tall(q, x_r, gq + a[..., m:] @ t(y_gr), x_gr)
        return ops.cat([gx, q @ y_gr], -1), None

    @staticmethod
    def tall(q, r, gq, gr):
        inner = r @ t(gr) - t(gq) @ q
        inner = inner.tril() + t(inner.tril(-1))
        return t(ops._solve_triangular(r, t(gq + q @ inner), True, False))


class LinalgLuFactorEx(Function):
    """P A = L U in one matrix: with F the lower triangle (no diagonal) of L^T gL and the upper triangle of gU U^T,
    gA = P L^-T F U^-T for square A; further columns are L^-1 times those of A, further rows those of A times U^-1."""

    @staticmethod
    def forward(ctx, a):
        compact, pivots, info = ops._lu_factor_ex(a)
        p = tensor_of(_values.permutation(array_of(pivots), a.shape[-2])).to(a.dtype)
        ctx.save_for_backward(compact, p)
        ctx.mark_non_differentiable(pivots, info)
        return compact, pivots, info

    @staticmethod
    def backward(ctx, g, *_):
        compact, p = ctx.saved_tensors
        m, n = compact.shape[-2:]
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


class LinalgPinv(Function):
    """The Moore-Penrose inverse P of matrices of constant rank: gA = -P^T g P^T + (1 - A P) g^T P P^T + P^T P g^T (1 - P A)."""

    @staticmethod
    def forward(ctx, a, atol, rtol, hermitian):
        import numpy
        values = array_of(a)
        if hermitian:
            w, v = _values.call("eigh", values)
            u, s, vh = v * numpy.sign(w)[..., None, :], numpy.abs(w), numpy.swapaxes(v, -1, -2)
        else:
            u, s, vh = _values.call("svd", values, full_matrices=False)
        largest = s.max(-1, keepdims=True) if s.size else s
        cut = numpy.maximum(numpy.asarray(atol)[..., None], numpy.asarray(rtol)[..., None] * largest)
        inverse = numpy.where(s > cut, 1 / numpy.where(s > cut, s, 1), 0).astype(values.dtype)
        p = tensor_of(numpy.swapaxes(vh, -1, -2) * inverse[..., None, :] @ numpy.swapaxes(u, -1, -2))
        ctx.save_for_backward(a, p)
        return p

    @staticmethod
    def backward(ctx, g):
        a, p = ctx.saved_tensors
        pt, gt = t(p), t(g)
        first = gt @ p @ pt
        second = pt @ p @ gt
        return -(pt @ g @ pt) + first - a @ (p @ first) + second - (second @ p) @ a, None, None, None
