"""Differences that are known, each with its reason. What is not listed here and differs is a failure."""
import fnmatch

COMPLEX = "complex numbers are not part of wengert"
SPARSE = "sparse tensors are not part of wengert"
FFT = "Fourier transforms have complex results"
PRIVATE = "no public name of PyTorch's"
LAPACK_ORDER = "LAPACK's results lie column by column in torch; neither promises an order"
TIES = "which of equal elements comes first is left open by both"
TRIGAMMA = "torch's trigamma is right to 5e-10 only, also as a derivative of digamma"
ROUNDED = "torch rounds a constant or an intermediate value to float32, or to half precision; ours is the more exact"
ABSENT = "says that it is not part of wengert"
NO_SECOND = "torch has no second derivative here; ours exists"
ANY = "*"

#: (what, names, variants, dtypes, kinds, reason); patterns, several separated by spaces; blanks in kinds are written "-"
KNOWN = [
    ("operators", "complex cfloat cdouble chalf polar view_as_complex view_as_real linalg.eig linalg.eigvals to_sparse", ANY, ANY, ANY, COMPLEX),
    ("operators", "sparse.* to_sparse*", ANY, ANY, ANY, SPARSE),
    ("operators", "fft.* stft istft", ANY, ANY, ANY, FFT),
    ("operators", "jiterator_* torch.* _* slice native_dropout_backward max_pool2d_with_indices_backward hash_tensor __rdiv__ "
                  "grid_sampler_2d grid_sampler_3d native_*", ANY, ANY, ANY, PRIVATE),
    ("operators", "linalg.ldl_*", ANY, ANY, ANY, ABSENT),
    ("operators", "linalg.* cholesky* geqrf lu lu_* qr svd* inverse pinverse triangular_solve ormqr pca_lowrank nn.functional.* logdet norm*",
     "function method", ANY, "stride", LAPACK_ORDER),
    ("operators", "kthvalue topk mode sort argsort msort median nanmedian unravel_index unique ravel", ANY, ANY, "value stride", TIES),
    ("operators", "*polygamma* mvlgamma* digamma lgamma special.digamma", ANY, "float64 float32", "value gradient second-gradient gradient-by-formula",
     TRIGAMMA),
    ("operators", "ldexp nn.functional.hardsigmoid nn.functional.binary_cross_entropy special.bessel_* special.airy_ai special.laguerre*", ANY,
     "float64 float32", "value gradient second-gradient gradient-by-formula", ROUNDED),
    ("operators", ANY, ANY, "float16 bfloat16", "value", ROUNDED),
    ("operators", "as_strided.partial_views as_strided_scatter", ANY, ANY, "gradient", "of overlapping windows torch divides the gradient"),
    ("operators", "as_strided*", "in-place", ANY, "missing", "as_strided_ is not part of wengert"),
    ("operators", "linalg.norm*", "function", ANY, "second-gradient", "torch's second derivative of an empty norm is NaN"),
    ("operators", "amax amin aminmax gather cat multinomial", "error", ANY, "error-text not-raised", "out= of another dtype is cast, and resized as others are"),
    ("operators", "index_select take masked_select kthvalue", "error", ANY, "not-raised", "results are computed before out= is written: overlap harms nothing"),
    ("operators", "masked_fill", "error", ANY, "error-type", COMPLEX),
    ("operators", "matmul", "out", ANY, "raised", "matmul takes no out= yet"),
    ("operators", "nn.functional.batch_norm", "function", ANY, "raised", "an empty input of one dimension"),
    ("modules", "nn.LazyConv* nn.FractionalMaxPool*", "module", ANY, "missing", "not part of wengert yet"),
    ("modules", "nn.NLLLoss", "error", ANY, "not-raised", "weights of another dtype are cast"),
    ("optimizers", "Adafactor Muon", "optimizer", ANY, "missing", "not part of wengert yet"),
    ("modules", "nn.MultiLabelMarginLoss nn.MultiMarginLoss nn.Transformer*", ANY, "float64", "not-raised", NO_SECOND),
    ("modules", "nn.BCELoss", ANY, "float64", "second-gradient", ROUNDED),
    ("modules", "nn.LinearCrossEntropyLoss nn.CTCLoss nn.LPPool3d", "module", ANY, "missing", "not part of wengert yet"),
    ("optimizers", ANY, "capturable=True", ANY, "not-raised", "accepted: it changes nothing on the CPU; torch refuses it there"),
    ("optimizers", "SparseAdam", ANY, ANY, "missing", SPARSE),
    ("optimizers", "ASGD", "foreach=True", "float64", "value", ROUNDED),
    ("optimizers", "LBFGS", ANY, "float64", "state", "the scratch list `al` is not kept between steps"),
    ("optimizers", "LBFGS", ANY, "float32", "value", "line searches amplify rounding"),
]


def reason(what, name, variant, dtype, kind):
    """Why this difference is known, or None."""
    for w, names, variants, dtypes, kinds, why in KNOWN:
        if w == what and all(any(fnmatch.fnmatchcase(value, p) for p in patterns.split()) for value, patterns in (
                (name, names), (variant, variants), (dtype or "-", dtypes), (kind.replace(" ", "-"), kinds))):
            return why
    return None
