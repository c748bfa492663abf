"""Rows of neural networks: softmax, normalisation, embedding, losses."""

#: The cotangent of every element of a loss, whatever the reduction.
H = "h = g/numel(x) if reduction == 'mean' else g; "
REDUCTION = "reduction: str{none,mean,sum} = mean"

LAYER_NORM = ("s = (leading(x, len(normalized_shape)), trailing(x, len(normalized_shape))); "
              "z = _reshape(x, s); c = z - mean_dim(z, (1,), True); "
              "r = rsqrt(mean_dim(c*c, (1,), True) + eps); n = c*r; ")

#: Statistics of the batch or the running ones, in a shape that broadcasts over (N, C, ...); n: x normalised by them.
BATCH_NORM = ("m = mean_dim(x, dims, True) if training else _reshape(running_mean, view); c = x - m; "
              "v = mean_dim(c*c, dims, True) if training else _reshape(running_var, view); r = rsqrt(v + eps); n = c*r; ")

RMS_NORM = ("s = (leading(x, len(normalized_shape)), trailing(x, len(normalized_shape))); z = _reshape(x, s); "
            "r = rsqrt(mean_dim(z*z, (1,), True) + eps); n = z*r; ")


def define(op):
    op("softmax", "x, dim: int", vjp={"x": "y*(g - sum_dim(g*y, (dim,), True))"}, where="", kernel=True)
    op("log_softmax", "x, dim: int", vjp={"x": "g - exp(y)*sum_dim(g, (dim,), True)"}, where="", kernel=True)

    op("layer_norm", "x, normalized_shape: int[], weight: Tensor? = None, bias: Tensor? = None, eps: float = 1e-05",
       outs="y, mean!kernel, rstd!kernel",
       vjp={"x": LAYER_NORM + "h = _reshape(g*weight if weight is not None else g, s); "
                 "_reshape(r*((h - mean_dim(h, (1,), True)) - n*mean_dim(h*n, (1,), True)), shape(x))",
            "weight": LAYER_NORM + "sum_to(g*_reshape(n, shape(x)), shape(weight))",
            "bias": "sum_to(g, shape(bias))"},
       where="f", kernel=True, kernel_reads="x, mean, rstd", grad_name="NativeLayerNormBackward0")

    op("_rms_norm", "x, normalized_shape: int[], weight: Tensor? = None, eps: float = 1e-05", outs="y, rstd!kernel",
       vjp={"x": RMS_NORM + "h = _reshape(g*weight if weight is not None else g, s); "
                 "_reshape(r*(h - n*mean_dim(h*n, (1,), True)), shape(x))",
            "weight": RMS_NORM + "sum_to(g*_reshape(n, shape(x)), shape(weight))"},
       where="", kernel=True, kernel_reads="x, rstd", grad_name="FusedRmsNormBackward0")

    op("_batch_norm", "x, weight: Tensor?, bias: Tensor?, running_mean: Tensor?, running_var: Tensor?, dims: int[], view: int[], "
       "training: bool, eps: float", outs="y, mean!nondiff, var!nondiff, rstd!kernel",
       vjp={"x": BATCH_NORM + "h = g*_reshape(weight, view) if weight is not None else g; "
                 "r*((h - mean_dim(h, dims, True)) - n*mean_dim(h*n, dims, True)) if training else h*r",
            "weight": BATCH_NORM + "_reshape(sum_dim(g*n, dims, False), shape(weight))",
            "bias": "_reshape(sum_dim(g, dims, False), shape(bias))",
            "running_mean": "nondiff", "running_var": "nondiff"},
       where="", kernel=True, kernel_reads="x, mean, rstd", grad_name="NativeBatchNormBackward0",
       doc="Channels are dimension 1; dims: all others; view: the shape of a vector over channels that broadcasts against x. Also "
           "returns the mean and the unbiased variance of the batch, or the running ones. float32 or float64, all of one dtype.")

    op("embedding", "indices, weight, padding_idx: int = -1, scale_grad_by_freq: bool = False",
       vjp={"indices": "nondiff",
            "weight": "_embedding_sum(g, indices, shape(weight), padding_idx, scale_grad_by_freq)"}, linear="weight", where="",
       doc="Rows of weight. padding_idx -1 is none: the facade wraps negative ones before.")
    op("_embedding_sum", "x, indices, shape: int[], padding_idx: int, scale_grad_by_freq: bool",
       vjp={"x": "_embedding_masked(g, indices, padding_idx, scale_grad_by_freq)", "indices": "nondiff"}, linear="x",
       grad_name="EmbeddingDenseBackward0",
       doc="Zeros of weight's shape, with rows of x added; those of padding_idx left out; divided by how often the index occurs.")
    op("_embedding_masked", "weight, indices, padding_idx: int, scale_grad_by_freq: bool",
       vjp={"weight": "_embedding_sum(g, indices, shape(weight), padding_idx, scale_grad_by_freq)", "indices": "nondiff"},
       linear="weight", grad_name="EmbeddingBackward0", doc="embedding with the weighting of _embedding_sum, whose adjoint it is.")

    # ---- losses; input and target have one shape (the facade broadcasts), but for the class losses ----
    op("nll_loss", "x, target, weight: Tensor? = None, reduction: str{none,mean,sum} = mean, ignore_index: int = -100",
       outs="y, total_weight!hidden",
       vjp={"x": "_nll_loss_back(g, target, weight, total_weight, reduction, ignore_index, shape(x))", "target": "nondiff",
            "weight": "nondiff"}, linear="x", where="", doc="Log-probabilities x of shape (N, C, ...) or (C), classes in target.")
    op("_nll_loss_back", "x, target, weight: Tensor?, total_weight, reduction: str{none,mean,sum}, ignore_index: int, shape: int[]",
       vjp={"x": "nll_loss(g, target, weight, reduction, ignore_index)[0]", "target": "nondiff", "weight": "nondiff",
            "total_weight": "nondiff"}, linear="x", grad_name="NllLossBackward0")
    op("cross_entropy", "x, target, weight: Tensor? = None, reduction: str{none,mean,sum} = mean, ignore_index: int = -100",
       outs="y, total_weight!hidden, logsumexp!kernel",
       vjp={"x": "d = 1 if ndim(x) > 1 else 0; l = log_softmax(x, d); "
                 "h = _nll_loss_back(g, target, weight, total_weight, reduction, ignore_index, shape(x)); "
                 "h - exp(l)*sum_dim(h, (d,), True)", "target": "nondiff", "weight": "nondiff"},
       where="", kernel=True, kernel_reads="x, target, weight, total_weight, logsumexp", grad_name="NllLossBackward0",
       doc="nll_loss(log_softmax(x)) in one pass, for classes in target.")

    def loss(name, core, x, target, params="", grad_name=None, extra=None):
        """A loss row over a private elementwise core: y = reduce(core(x, target)); x and target hold dcore/dx and dcore/dtarget."""
        attrs = "".join(", " + p for p in params.split(";") if p)
        op("_" + name, "x, target" + attrs, y=core, types="float_only",
           vjp={"x": f"g*({x})", "target": f"g*({target})"}, linear=())
        op(name, f"x, target, {REDUCTION}" + attrs,
           vjp={"x": H + f"to_dtype(h*({x}), dtype(x))", "target": H + f"to_dtype(h*({target}), dtype(target))"},
           where="", kernel=True, kernel_reads="x, target", grad_name=grad_name, linear=())

    loss("mse_loss", "d = x - target; d*d", "2*(x - target)", "-2*(x - target)", grad_name="MseLossBackward0")
    loss("l1_loss", "abs(x - target)", "sign(x - target)", "-sign(x - target)", grad_name="AbsBackward0")
    smooth = "where(x - target <= -beta, -1, where(x - target >= beta, 1, (x - target)/beta))"
    loss("smooth_l1_loss", "d = abs(x - target); where(d < beta, 0.5*d*d/beta, d - 0.5*beta)", smooth, f"-{smooth}",
         "beta: float = 1.0", grad_name="SmoothL1LossBackward0")
    hub = "where(x - target <= -delta, -delta, where(x - target >= delta, delta, x - target))"
    loss("huber_loss", "d = abs(x - target); where(d < delta, 0.5*d*d, delta*(d - 0.5*delta))", hub, f"-{hub}",
         "delta: float = 1.0", grad_name="HuberLossBackward0")
    # PyTorch clamps both logarithms at -100 and x*(1 - x) at 1e-12.
    loss("binary_cross_entropy",
         "(target - 1)*maximum(log1p(-x), -100) - target*maximum(log(x), -100)",
         "(x - target)/clamp_min((1 - x)*x, 1e-12)", "log1p(-x) - log(x)", grad_name="BinaryCrossEntropyBackward0")
    loss("binary_cross_entropy_with_logits", "(1 - target)*x - logsigmoid(x)", "sigmoid(x) - target", "-x",
         grad_name="BinaryCrossEntropyWithLogitsBackward0")
    op("_kl_div", "x, target, log_target: bool = False",
       y="exp(target)*(target - x) if log_target else xlogy(target, target) - target*x", types="float_only",
       vjp={"x": "-g*(exp(target) if log_target else target)",
            "target": "g*(exp(target)*((target - x) + 1)) if log_target else g*((log(target) + target/target) - x)"}, linear=(),
       grad_name="KlDivBackward0", doc="The pointwise Kullback-Leibler term; the facade reduces it, batchmean included.")
