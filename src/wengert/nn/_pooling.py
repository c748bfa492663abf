"""Pooling as functions."""

from .. import int64, ops


def _named(function, name, doc):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def _out(out):
    return {} if out is None else {"out": out}


_SIZES = ("", "L", "H, W", "D, H, W")


def _max_pool(n):
    plain, with_indices = getattr(ops, f"max_pool{n}d"), getattr(ops, f"max_pool{n}d_with_indices")

    def max_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        if return_indices:
            return with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
        return plain(input, kernel_size, stride, padding, dilation, ceil_mode)

    def max_pool_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=True):
        return with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)

    doc = f"""The largest element of each window{{}}.

    Shapes: input (N, C, {_SIZES[n]}) or (C, {_SIZES[n]}).

    Args:
        kernel_size, stride (int or tuple): of the windows; stride defaults to kernel_size.
        padding (int or tuple): places outside that windows may reach; they never win.
        dilation (int or tuple): step inside a window.
        ceil_mode (bool): also windows that reach over the end.
        return_indices (bool): also the places of the maxima in their planes.
    """
    return (
        _named(max_pool, f"max_pool{n}d", doc.format("")),
        _named(max_pool_with_indices, f"max_pool{n}d_with_indices", doc.format(", and its place")),
    )


max_pool1d, max_pool1d_with_indices = _max_pool(1)
max_pool2d, max_pool2d_with_indices = _max_pool(2)
max_pool3d, max_pool3d_with_indices = _max_pool(3)


def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of each window. Shapes: input (N, C, L) or (C, L). Arguments as those of avg_pool2d."""
    return ops.avg_pool1d(input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None, *, out=None
):
    """The mean of each window. Shapes: input (N, C, H, W) or (C, H, W).

    Args:
        kernel_size, stride (int or tuple): of the windows; stride defaults to kernel_size.
        padding (int or tuple): zeros on both sides. ceil_mode (bool): also windows that reach over the end.
        count_include_pad (bool): whether the zeros count. divisor_override (int): divides the sums instead of the counts.
    """
    return ops.avg_pool2d(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, **_out(out))


def avg_pool3d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None, *, out=None
):
    """The mean of each window. Shapes: input (N, C, D, H, W) or (C, D, H, W). Arguments as those of avg_pool2d."""
    return ops.avg_pool3d(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, **_out(out))


def _sizes(n, input, output_size):
    """``output_size`` with the input's own sizes where it says None.

    Raises:
        ValueError: the input has too few dimensions.
    """
    if n > 1 and isinstance(output_size, (list, tuple)) and input.dim() <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    if output_size is None or (isinstance(output_size, (list, tuple)) and any(size is None for size in output_size)):
        own = list(input.size())[input.dim() - n :]
        given = [None] * n if output_size is None else output_size
        return [o if size is None else size for size, o in zip(given, own)]
    return output_size


def _adaptive_avg_pool(n):
    row = getattr(ops, f"adaptive_avg_pool{n}d")

    def adaptive_avg_pool(input, output_size):
        size = _sizes(n, input, output_size)
        ones = size == 1 if isinstance(size, int) else list(size) == [1] * n
        if ones and input.dim() in (n + 1, n + 2) and input.is_floating_point():
            return input.mean(tuple(range(-n, 0)), keepdim=True)
        return row(input, size)

    return _named(
        adaptive_avg_pool,
        f"adaptive_avg_pool{n}d",
        f"""Means of windows that divide the input into ``output_size``, None keeping a size.

    Shapes: input (N, C, {_SIZES[n]}) or (C, {_SIZES[n]}).
    """,
    )


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (_adaptive_avg_pool(n) for n in (1, 2, 3))


def _adaptive_max_pool(n):
    row = getattr(ops, f"adaptive_max_pool{n}d")

    def with_indices(input, output_size, return_indices=True):
        return row(input, _sizes(n, input, output_size))

    def adaptive_max_pool(input, output_size, return_indices=False):
        result = row(input, _sizes(n, input, output_size))
        return result if return_indices else result[0]

    doc = f"""Maxima of windows that divide the input into ``output_size``, None keeping a size{{}}.

    Shapes: input (N, C, {_SIZES[n]}) or (C, {_SIZES[n]}).
    """
    return (
        _named(adaptive_max_pool, f"adaptive_max_pool{n}d", doc.format("; with return_indices also their places")),
        _named(with_indices, f"adaptive_max_pool{n}d_with_indices", doc.format(", and their places")),
    )


adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _adaptive_max_pool(1)
adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _adaptive_max_pool(2)
adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _adaptive_max_pool(3)


# ---- the way back from max_pool ----


def _tuple(value, n):
    return (value,) * n if isinstance(value, int) else tuple(value) * (n if len(tuple(value)) == 1 else 1)


def _unpooled_size(n, input, kernel_size, stride, padding, output_size):
    """The spatial sizes of the result.

    Raises:
        ValueError: output_size is none that the pooling could have come from.
    """
    sizes = list(input.size())[input.dim() - n :]
    default = [(size - 1) * s + k - 2 * p for size, k, s, p in zip(sizes, kernel_size, stride, padding)]
    if output_size is None:
        return default
    if len(output_size) == n + 2:
        output_size = output_size[2:]
    if len(output_size) != n:
        raise ValueError(
            f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a length of "
            f"'{len(output_size)}'"
        )
    for d, (wanted, usual, step) in enumerate(zip(output_size, default, stride)):
        if not usual - step < wanted < usual + step:
            raise ValueError(
                f'invalid output_size "{output_size}" (dim {d} must be between {usual - step} and {usual + step})'
            )
    return output_size


def _max_unpool(n):
    def max_unpool(input, indices, kernel_size, stride=None, padding=0, output_size=None):
        kernel = _tuple(kernel_size, n)
        steps = kernel if stride is None or stride == [] or stride == () else _tuple(stride, n)
        size = _unpooled_size(n, input, kernel, steps, _tuple(padding, n), output_size)
        if indices.dtype != int64:
            kind = {"int32": "Int", "float32": "Float", "float64": "Double"}
            name = str(indices.dtype).rsplit(".", 1)[-1]
            raise RuntimeError(f"elements in indices should be type int64 but got: {kind.get(name, name)}")
        if indices.size() != input.size():
            raise RuntimeError(
                f"Expected shape of indices to be same as that of the input tensor ({list(input.size())}) but got indices "
                f"tensor with shape: {list(indices.size())}"
            )
        lead = list(input.size())[: input.dim() - n]
        places = 1
        for s in size:
            places *= s
        flat, at = input.reshape([*lead, -1]), indices.reshape([*lead, -1])
        if at.numel():
            if int(at.min()) < 0 or int(at.max()) >= places:
                flat_at = at.reshape(-1)
                first = int(flat_at[(flat_at < 0) | (flat_at >= places)][0])
                volume = "x".join(map(str, size if n > 1 else [1, *size]))
                raise RuntimeError(f"Found an invalid max index: {first} (output volumes are of size {volume})")
        return input.new_zeros([*lead, places]).scatter(-1, at, flat).reshape([*lead, *size])

    return _named(
        max_unpool,
        f"max_unpool{n}d",
        f"""Zeros with the elements of ``input`` at ``indices``: the places that max_pool{n}d gave.

    Args:
        kernel_size, stride, padding: of the pooling. output_size (tuple): the size that was pooled, where several lead to one.

    Raises:
        ValueError: the pooling cannot have come from output_size. RuntimeError: an index outside the result.
    """,
    )


max_unpool1d, max_unpool2d, max_unpool3d = (_max_unpool(n) for n in (1, 2, 3))


def _lp_pool(n):
    average = getattr(ops, f"avg_pool{n}d")

    def lp_pool(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        count = 1
        for k in _tuple(kernel_size, n):
            count *= k
        mean = average(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
        return (mean.sign() * mean.abs().relu()).mul(count).pow(1.0 / norm_type)

    return _named(
        lp_pool,
        f"lp_pool{n}d",
        """(sum of x^norm_type over each window)^(1 / norm_type); arguments as those of avg_pool2d.""",
    )


lp_pool1d, lp_pool2d, lp_pool3d = (_lp_pool(n) for n in (1, 2, 3))
