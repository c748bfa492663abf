"""Differences that are known, each with its reason. What is not listed here and differs is a failure."""
import fnmatch

COMPLEX = "complex numbers are not part of wengert"
SPARSE = "sparse tensors are not part of wengert"
FFT = "Fourier transforms have complex results"
PRIVATE = "no public name of PyTorch's"
LAPACK_ORDER = "LAPACK's results lie column by column in torch; ours row by row"
CHANNELS_LAST = "torch takes sizes of 1 or 2 for channels_last memory; ours is contiguous"
TIES = "which of equal elements comes first is left open by both"
TRIGAMMA = "torch's trigamma is right to 5e-10 only, also as a derivative of digamma"
CONSTANTS = "torch rounds a constant to float32; ours is the more exact"
LOGARITHM = "torch clamps the logarithm and its derivative at 1e-12; ours is the more exact"
HALF_STEPS = "torch rounds every step to half precision, and overflows; ours rounds once"
HALF_BINS = "torch computes the bins in half precision"
ABSENT = "says that it is not part of wengert"
NO_SECOND = "torch has no second derivative here; ours exists"
WINDOWS = "of overlapping windows torch divides the gradient"
WORDS = "refused by both, in other words"
OLD_OUT = "torch resizes this out= without its warning"
FOLDED = "torch multiplies folded operands, and resizes out= to their folded shape"
WRITE_INTO = "torch writes this out= in place by another function, which refuses it in its own words"
ANY = "*"
HALVES = "float16 bfloat16"

#: (what, names, variants, dtypes, kinds, reason); patterns, several separated by spaces; blanks in kinds are written "-"
KNOWN = [
    ("operators", "complex cfloat cdouble chalf polar view_as_complex view_as_real linalg.eig linalg.eigvals", ANY, ANY, ANY, COMPLEX),
    ("operators", "sparse.* to_sparse*", ANY, ANY, ANY, SPARSE),
    ("operators", "fft.* stft istft", ANY, ANY, ANY, FFT),
    ("operators", "jiterator_* torch.* _* slice native_dropout_backward max_pool2d_with_indices_backward hash_tensor __rdiv__ "
                  "grid_sampler_2d grid_sampler_3d native_batch_norm", ANY, ANY, ANY, PRIVATE),
    ("operators", "nn.functional.linear_cross_entropy*", "function", ANY, "missing", "not part of wengert yet"),
    ("operators", "linalg.ldl_*", ANY, ANY, ANY, ABSENT),
    ("operators", "linalg.cholesky linalg.cholesky_ex linalg.eigh linalg.householder_product linalg.inv linalg.inv_ex linalg.lstsq "
                  "linalg.lstsq.grad_oriented linalg.lu_factor linalg.lu_factor_ex linalg.lu_solve linalg.matrix_power linalg.qr linalg.solve "
                  "linalg.solve_ex linalg.solve_triangular linalg.svd linalg.tensorinv cholesky cholesky_inverse cholesky_solve geqrf lu lu_solve "
                  "ormqr qr svd triangular_solve inverse", "function method", "float64 float32", "stride", LAPACK_ORDER),
    ("operators", "nn.functional.max_pool2d nn.functional.max_unpool2d* nn.functional.interpolate.nearest* cat unravel_index unique",
     "function method", ANY, "stride", CHANNELS_LAST),
    ("operators", "kthvalue topk mode", "function method", "int64 int32 uint8 bool float16 bfloat16", "value", TIES),
    ("operators", "sort argsort", "function method", "uint8 bool float16 bfloat16", "value", TIES),
    ("operators", "polygamma* special.polygamma*", "function method in-place", "float64", "value", TRIGAMMA),
    ("operators", "digamma", "function in-place", "float64", "gradient", TRIGAMMA),
    ("operators", "mvlgamma* lgamma", "function in-place", "float64", "second-gradient", TRIGAMMA),
    ("operators", "ldexp", "function in-place", "float64", "gradient-by-formula", CONSTANTS),
    ("operators", "nn.functional.hardsigmoid", "function in-place", "float64", "gradient", CONSTANTS),
    ("operators", "special.bessel_* special.airy_ai", "function", "float64", "value", CONSTANTS),
    ("operators", "nn.functional.binary_cross_entropy", "function", "float64", "second-gradient", LOGARITHM),
    ("operators", "logcumsumexp", "function", "float64 float32", "gradient second-gradient", "torch subtracts exponentials that nearly cancel"),
    ("operators", "native_layer_norm", "function", "float32", "gradient", "of one element: rounding in torch, zero in ours"),
    ("operators", "matrix_exp", "function method", HALVES, "value", HALF_STEPS),
    ("operators", "nn.functional.soft_margin_loss", "function", "float16", "value", HALF_STEPS),
    ("operators", "nn.functional.hinge_embedding_loss", "function", "bfloat16", "value", HALF_STEPS),
    ("operators", "nn.functional.multi_head_attention_forward", "function", HALVES, "value", HALF_STEPS),
    ("operators", "nn.functional.nll_loss nn.functional.binary_cross_entropy_with_logits", "function", HALVES, "value", HALF_STEPS),
    ("operators", "histc", "function method", HALVES, "value", HALF_BINS),
    ("operators", "multinomial", "function method", HALVES, "value", "torch draws in half precision"),
    ("operators", "linalg.norm*", "function", "float64", "second-gradient", "torch's second derivative of an empty norm is NaN"),
    ("operators", "nn.functional.interpolate.bi* nn.functional.upsample_bilinear", "function", "uint8", "value",
     "torch interpolates bytes with weights of 16 bits"),
    ("operators", "sum_to_size", "function method", "int32 uint8 bool", "dtype", "torch sums 0-d integers into int64"),
    ("operators", "as_strided.partial_views as_strided_scatter", "function", "float64 float32", "gradient", WINDOWS),
    ("operators", "nn.functional.batch_norm", "function", ANY, "raised", "an empty input of one dimension"),
    # ---- out= ----
    ("operators", ANY, "out-that-requires-grad", "float32", "error-text", WRITE_INTO),
    ("operators", "histc split_with_sizes_copy", "out-that-requires-grad", "float32", "raised", "torch lets it through"),
    ("operators", "cholesky diff diag geqrf ldexp matmul max.reduction_no_dim min.reduction_no_dim mvlgamma* stack logsumexp inner norm.nuc "
                  "linalg.norm* linalg.lstsq* linalg.matrix_power nansum mean std var quantile nanquantile", "out-of-lesser-dtype out-of-wider-dtype", "float32", "error-text", WORDS),
    ("operators", "cumsum cumprod softmax.with_dtype log_softmax.with_dtype", "out-of-lesser-dtype out-of-wider-dtype", "float32",
     "not-raised raised error-text", "with dtype= torch wants that dtype of out=; ours casts"),
    ("operators", "lerp nanmean", "out-of-lesser-dtype out-of-wider-dtype", "float32", "not-raised error-text", "torch casts with one weight for all only"),
    ("operators", "cholesky diff inner normal* linalg.matrix_power", "out-of-wider-dtype", "float32", "raised not-raised", "torch casts here, and nowhere like it"),
    ("operators", "lu", "out-of-lesser-dtype", "float32", "raised", "torch casts LU factors to integers"),
    ("operators", "arange normal*", "out-of-lesser-dtype", "float32", "not-raised error-text", WORDS),
    ("operators", "addbmm lu mode narrow_copy normal nn.functional.logsigmoid", "out-of-another-shape", "float32", "warning", OLD_OUT),
    ("operators", "nn.functional.linear matmul", "out-of-strides out-transposed", "float32", "not-raised warning", FOLDED),
    ("operators", "normal*", "out out-of-another-shape", ANY, "not-raised", "torch does not resize it where the mean or the deviation is a number"),
    ("operators", "nonzero", "out*", ANY, "not-raised", "with as_tuple=True there is no out= in torch"),
    ("operators", "histogramdd", "out*", ANY, "error-text", WORDS),
    # ---- errors ----
    ("operators", "cat gather", "error", ANY, "not-raised", "views are resized into memory of their own"),
    ("operators", "masked_fill", "error", ANY, "error-type", COMPLEX),
    ("operators", "nn.functional.adaptive_avg_pool1d nn.functional.adaptive_max_pool* nn.functional.conv2d nn.functional.conv3d nn.functional.max_pool1d "
                  "narrow_copy", "error", ANY, "error-text error-type", WORDS),
    ("operators", "nn.functional.linear_cross_entropy*", "function", "float64", "second-gradient", NO_SECOND),
    ("modules", "nn.LinearCrossEntropyLoss", "train eval", "float64", "second-gradient not-raised", NO_SECOND),
    ("modules", "nn.NLLLoss", "error", ANY, "not-raised", "weights of another dtype are cast"),
    ("modules", "nn.MultiLabelMarginLoss nn.MultiMarginLoss nn.Transformer*", "train eval", "float64", "not-raised", NO_SECOND),
    ("modules", "nn.BCELoss", "train eval", "float64", "second-gradient", LOGARITHM),
    ("optimizers", ANY, "capturable=True", ANY, "not-raised", "accepted: it changes nothing on the CPU; torch refuses it there"),
    ("optimizers", "SparseAdam", ANY, ANY, "missing", SPARSE),
    ("optimizers", "ASGD", "foreach=True", "float64", "value", CONSTANTS),
    ("optimizers", "LBFGS", ANY, "float64 float32", "state", "the scratch list `al` is not kept between steps"),
    ("optimizers", "Muon", ANY, "float64", "value", "torch decays by a rate that is a float32 tensor in float32"),
    ("optimizers", "LBFGS", ANY, "float32", "value", "line searches amplify rounding"),
]


def reason(what, name, variant, dtype, kind):
    """Why this difference is known, or None."""
    for w, names, variants, dtypes, kinds, why in KNOWN:
        if w == what and all(any(fnmatch.fnmatchcase(value, p) for p in patterns.split()) for value, patterns in (
                (name, names), (variant.replace(" ", "-"), variants), (dtype or "-", dtypes), (kind.replace(" ", "-"), kinds))):
            return why
    return None
