"""Names of the top level that live elsewhere and are looked up when first asked for, and what to do without the others."""
import importlib

#: module -> the names it lends to the top level
_LENT = {
    "serialization": ("load", "save"),
    "compiler": ("compile",),
    "storage": ("UntypedStorage", "TypedStorage", "FloatStorage", "DoubleStorage", "HalfStorage", "BFloat16Storage", "LongStorage", "IntStorage",
                "ShortStorage", "CharStorage", "ByteStorage", "BoolStorage"),
    "_core": ("is_anomaly_enabled", "is_anomaly_check_nan_enabled", "set_anomaly_enabled"),
    "amp": ("autocast", "GradScaler"),
    "func": ("vmap",),
    "futures": ("Future",),
    "nn.utils.weight_norm": ("norm_except_dim",),
    "_switches": ("use_deterministic_algorithms", "are_deterministic_algorithms_enabled", "is_deterministic_algorithms_warn_only_enabled",
                  "set_deterministic_debug_mode", "get_deterministic_debug_mode", "get_float32_matmul_precision",
                  "set_float32_matmul_precision", "set_num_interop_threads", "get_num_interop_threads", "set_flush_denormal",
                  "set_warn_always", "is_warn_always_enabled", "is_autocast_enabled", "is_autocast_cpu_enabled",
                  "is_autocast_cache_enabled", "clear_autocast_cache", "get_default_device", "get_device_module",
                  "compiled_with_cxx11_abi", "is_vulkan_available", "is_distributed"),
    "linalg._old_names": ("det", "logdet", "slogdet", "inverse", "pinverse", "cholesky", "cholesky_inverse", "cholesky_solve", "qr", "geqrf", "orgqr",
                          "ormqr", "svd", "lu", "lu_solve", "lu_unpack", "triangular_solve", "matrix_exp", "svd_lowrank", "pca_lowrank"),
    "_seldom": ("conj", "conj_physical", "resolve_conj",
                "resolve_neg", "real", "imag", "angle", "positive", "is_conj", "is_neg", "is_inference", "is_signed", "get_device",
                "typename", "combinations", "vander", "cumulative_trapezoid", "unravel_index", "ldexp", "mvlgamma", "hann_window",
                "hamming_window", "blackman_window", "bartlett_window", "gradient", "frexp", "histogram", "histogramdd"),
    "_low_level": ("batch_norm", "instance_norm", "embedding", "binary_cross_entropy_with_logits", "cosine_embedding_loss",
                   "hinge_embedding_loss", "kl_div", "margin_ranking_loss", "poisson_nll_loss", "triplet_margin_loss", "ctc_loss", "dropout_",
                   "alpha_dropout_", "feature_dropout", "feature_dropout_", "feature_alpha_dropout_", "rrelu_", "rnn_tanh_cell", "rnn_relu_cell", "lstm_cell",
                   "gru_cell", "native_layer_norm", "native_group_norm", "native_dropout", "native_channel_shuffle", "frobenius_norm", "nuclear_norm",
                   "kaiser_window", "grid_sampler", "affine_grid_generator", "conv_tbc", "segment_reduce"),
    "nn.functional": ("cosine_similarity", "pairwise_distance", "pdist", "dropout", "alpha_dropout", "feature_alpha_dropout", "layer_norm",
                      "group_norm", "rms_norm", "prelu", "selu", "celu", "rrelu", "selu_", "celu_", "pixel_shuffle", "pixel_unshuffle",
                      "channel_shuffle", "bilinear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
                      "conv_transpose3d", "max_pool1d", "max_pool2d", "max_pool3d", "max_pool1d_with_indices", "avg_pool1d", "adaptive_avg_pool1d", "adaptive_max_pool1d"),
}
_PLACES = {name: module for module, names in _LENT.items() for name in names}
_CONSTANTS = {"e": 2.718281828459045, "pi": 3.141592653589793, "inf": float("inf"), "nan": float("nan"), "newaxis": None}

_COMPLEX = "numbers are real: keep real and imaginary parts in a last dimension of 2, or use NumPy where no gradient is needed"
_SPARSE = "tensors are dense: index_add, scatter_add and nn.Embedding do the usual work of sparse ones"
_QUANTIZED = "there are no quantised dtypes or kernels"
#: name -> what to do instead
_EXPLAINED = {
    **dict.fromkeys(("complex", "polar", "view_as_complex", "view_as_real"), _COMPLEX),
    **dict.fromkeys(("sparse", "sparse_coo_tensor", "sparse_csr_tensor", "sparse_coo", "sparse_csr", "nested", "jagged"), _SPARSE),
    **dict.fromkeys(("ao", "quantization", "quantize_per_tensor", "quantize_per_channel"), _QUANTIZED),
    **dict.fromkeys(("fft", "stft", "istft"), "transform with numpy.fft where no gradient is needed, or multiply by the matrix of "
                    "the transform"),
    **dict.fromkeys(("export", "package", "library"), "there is no graph of a program to work on: modules run as Python"),
    **dict.fromkeys(("mtia", "hpu", "xla", "ipu"), "it computes on the CPU only; torch.accelerator.is_available() and torch.cuda.is_available() "
                    "are False"),
    **dict.fromkeys(("lstsq", "eig", "symeig", "solve"), "go through torch.linalg, or NumPy (x.detach().numpy()) where no gradient is needed"),
}


#: PyTorch's dtypes that no tensor here has -> why
_ABSENT_DTYPES = {
    **dict.fromkeys(("complex32", "complex64", "complex128"), _COMPLEX),
    **dict.fromkeys(("qint8", "quint8", "qint32", "quint4x2", "quint2x4"), _QUANTIZED),
    **dict.fromkeys(("uint16", "uint32", "uint64"), "use int32 or int64"),
    **dict.fromkeys(("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2"),
                    "use float16 or bfloat16"),
}
_OTHER_NAMES = {"cfloat": "complex64", "cdouble": "complex128", "chalf": "complex32"}


class AbsentDtype:
    """A dtype that programs may name and compare with, and that nothing can be made of: errors show the name of its type.

    Attributes:
        is_floating_point, is_complex, is_signed (bool), itemsize (int): as PyTorch's.
    """

    is_signed = True

    def __new__(cls, name, why):
        kind = type(f"torch.{name}, which wengert lacks: {why}", (cls,), {"__module__": cls.__module__})
        return object.__new__(kind)

    def __init__(self, name, why):
        self.name = name
        self.is_complex, self.is_floating_point = name.startswith("complex"), name.startswith("float")
        self.is_signed = not name.startswith(("u", "quint"))
        bits = "".join(c for c in name.partition("_")[0] if c.isdigit())
        self.itemsize = 1 if name.startswith(("float", "quint")) else int(bits) // 8

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return find, (self.name,)


class MissingName(AttributeError):
    """A name of PyTorch's that wengert does not have; says what to do instead."""


_absent = {}


def find(name):
    """The value of a name of the top level.

    Raises:
        AttributeError: there is none.
    """
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    if name in _PLACES:
        value = getattr(importlib.import_module("." + _PLACES[name], __package__), name, None)
        if value is not None:
            return value
    if name.startswith("_foreach_"):
        from ._lists import foreach
        value = foreach(name[9:])
        if value is not None:
            return value
    from . import Tensor
    if name.endswith("_") and not name.startswith("_") and callable(getattr(Tensor, name, None)):
        return getattr(Tensor, name)                   # torch.zero_(x) is x.zero_()
    name = _OTHER_NAMES.get(name, name)
    if name in _ABSENT_DTYPES:
        if name not in _absent:
            _absent[name] = AbsentDtype(name, _ABSENT_DTYPES[name])
        return _absent[name]
    if name in _EXPLAINED:
        raise MissingName(f"wengert has no torch.{name}: {_EXPLAINED[name]}")
    raise AttributeError(f"module 'wengert' has no attribute '{name}'")


def names():
    """All that `find` finds by its tables."""
    return {*_CONSTANTS, *_PLACES}
