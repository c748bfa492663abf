"""Calls that get far: of the right form, on tensors of about the right shapes, with one hostile argument or another among plausible ones."""
import re

import hostile_values as values

# What stands for a placeholder: mostly plausible, now and then hostile.
X = {1: ["leaf(2, 4, 9)", "T(1, 2, 7)", "T(4, 9)"], 2: ["leaf(2, 4, 6, 5)", "T(1, 2, 5, 5)", "T(4, 7, 6)", "leaf(2, 5, 6, 4).permute(0, 3, 1, 2)"],
     3: ["leaf(1, 2, 4, 3, 5)", "T(2, 2, 3, 4, 3)"]}
W = {1: ["leaf(4, 4, 3)", "T(2, 2, 2)", "leaf(4, 1, 3)"], 2: ["leaf(4, 4, 3, 2)", "T(2, 2, 3, 3)", "leaf(4, 1, 3, 3)", "T(4, 4, 1, 1)"],
     3: ["leaf(2, 2, 2, 3, 2)", "T(2, 1, 2, 2, 2)"]}
EMPTY = ["T(0, 4, 9)", "T(2, 0, 9)", "leaf(2, 4, 0)", "T(2, 0, 4, 4)", "T(0, 2, 5, 5)", "leaf(1, 2, 0, 5)", "T(1, 2, 0, 3, 3)"]
STEPS = ["1", "2", "3", "(1, 2)", "(2, 1)", "(1,)", "[2, 2, 1]", "(1, 1, 1)"]
PADS = ["0", "1", "'same'", "'valid'", "(1, 0)", "(1,)", "(0, 1, 1)", "2"]
ODD = ["0", "-1", "-2**63", "2**31", "2**40", "2**62", "2**63 - 1", "2**63", "(2**40, 2**40)", "(2**31, 2**31, 2**31)", "(-1, 2)", "(0, 1)", "()", "None", "1.5",
       "'x'", "cleared()", "Does(V.data)", "(Does(V.resize), 1)", "Lies()", "True"]
MODES = ["'nearest'", "'linear'", "'bilinear'", "'bicubic'", "'trilinear'", "'area'", "'nearest-exact'", "'x'", "None"]
RATES = ["1e-3", "0.1", "0", "1.0", "float('inf')", "nan", "-1", "1e300", "1e-300", "2**70", "None", "'x'", "T()", "T(3)", "leaf()", "True", "Raises()", "Does(V.data)"]
OPTIMIZERS = {
    "SGD": ["lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize", "foreach", "differentiable", "fused"],
    "Adam": ["lr", "betas", "eps", "weight_decay", "amsgrad", "maximize", "capturable", "differentiable", "fused"],
    "AdamW": ["lr", "betas", "eps", "weight_decay", "amsgrad"], "RMSprop": ["lr", "alpha", "eps", "weight_decay", "momentum", "centered"],
    "Adagrad": ["lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"], "Adadelta": ["lr", "rho", "eps", "weight_decay"],
    "Adamax": ["lr", "betas", "eps"], "NAdam": ["lr", "betas", "eps", "momentum_decay"], "RAdam": ["lr", "betas", "eps"], "ASGD": ["lr", "lambd", "alpha", "t0"],
    "Rprop": ["lr", "etas", "step_sizes"], "Adafactor": ["lr", "beta2_decay", "eps", "d", "weight_decay"], "LBFGS": ["lr", "max_iter", "history_size"]}
PARAMETERS = ["[leaf(3, 3), leaf(3)]", "[{'params': [leaf(3)], 'lr': nan}]", "[leaf(0, 3)]", "[leaf(3).double(), leaf(3)]", "[leaf(3, 1).expand(3, 4)]", "[]",
              "[computed(3, 3)]", "[leaf(3, 3), V.w, Does(V.data)]", "[V.w, V.w]", "iter([leaf(3)])", "{'a': leaf(3)}", "[('a', leaf(3))]", "[T(3, 3)]", "[sub(Plain, 3, 3).requires_grad_()]"]
RESULTS = ["x * 2", "x", "None", "(x, x)", "(x * 2, None)", "[x * 2]", "5", "x.data", "x.detach()", "T(7)", "x.view(-1)", "x.mul_(2)", "(x, 'a', x * 3)", "{}", "ctx", "x.sum()",
           "wengert.tensor(3)", "F.apply(x) if ctx is None else x"]
GRADIENTS = ["g", "None", "(g, g)", "(g, None)", "()", "5", "T(7)", "g.long()", "g.double()", "[g]", "(g,) * 50", "1 / 0", "ctx.saved_tensors", "g.expand(2**40)", "g.mul_(2)",
             "(ctx.saved_tensors[0] * g, None)", "(g * 2, V.data())", "g.requires_grad_()"]
STEPS_OF_CONTEXTS = ["ctx.save_for_backward(x)", "ctx.save_for_backward(5)", "ctx.save_for_backward(None, x)", "ctx.mark_dirty(x)", "ctx.mark_dirty(5)", "ctx.mark_non_differentiable(x)",
                     "ctx.mark_non_differentiable(None)", "ctx.set_materialize_grads(False)", "ctx.saved_tensors", "ctx.needs_input_grad", "setattr(ctx, 'saved_tensors', 3)",
                     "ctx.__init__()", "ctx.save_for_forward(x)", "None", "None", "x.requires_grad_()", "setattr(ctx, 'x', x)", "V.data()", "V.resize()"]

TEMPLATES = [
    "nn.functional.conv{d}d({X}, {W}, {bias}, {step}, {pad}, {step}, {groups})", "nn.functional.conv_transpose{d}d({X}, {W}, {bias}, {step}, {pad}, {step}, {groups}, {step})",
    "nn.Conv{d}d(4, {n}, {step}, {step}, {pad}, groups={groups})({X})", "nn.ConvTranspose{d}d(4, 4, {step}, {step}, {pad}, {pad}, {groups})({X})",
    "nn.functional.max_pool{d}d({X}, {step}, {step}, {pad}, {step}, {flag}, {flag})", "nn.functional.avg_pool{d}d({X}, {step}, {step}, {pad}, {flag}, {flag})",
    "nn.functional.lp_pool{d}d({X}, {rate}, {step}, {step}, {flag})", "nn.functional.adaptive_avg_pool{d}d({X}, {step})", "nn.functional.adaptive_max_pool{d}d({X}, {step}, {flag})",
    "nn.functional.fractional_max_pool{d}d({X}, {step}, {step})", "nn.functional.max_unpool{d}d({X}, {X}.long(), {step}, {step}, {pad}, {step})",
    "nn.functional.max_unpool{d}d({X}, wengert.full_like({X}, {n}).long(), {step})",
    "nn.functional.interpolate({X}, size={step}, mode={mode}, align_corners={flag}, antialias={flag})", "nn.functional.interpolate({X}, scale_factor={rate}, mode={mode}, recompute_scale_factor={flag})",
    "nn.functional.grid_sample({X}, {X}, {mode}, 'zeros', {flag})", "nn.functional.grid_sample(leaf(2, 4, 6, 5), leaf(2, 3, 3, 2) * {rate}, 'bilinear', 'reflection', {flag})",
    "nn.functional.affine_grid(leaf(2, 2, 3), {step})", "nn.functional.unfold({X}, {step}, {step}, {pad}, {step})", "nn.functional.fold({X}, {step}, {step}, {step}, {pad}, {step})",
    "nn.functional.pad({X}, {pads}, {padmode})", "nn.functional.pixel_shuffle({X}, {n})", "nn.functional.pixel_unshuffle({X}, {n})", "nn.functional.channel_shuffle({X}, {n})",
    "nn.functional.embedding_bag({index}, leaf(4, 3), {index}, mode='sum')", "nn.functional.embedding({index}, leaf(4, 3), {n}, {rate})",
    "nn.functional.ctc_loss(leaf(5, 2, 4).log_softmax(-1), {index}, {index}, {index}, {n}, 'mean', {flag})", "nn.functional.nll_loss({X}, {index}, ignore_index={n})",
    "nn.functional.cross_entropy({X}, {index}, label_smoothing={rate})", "nn.functional.cross_entropy(leaf(3, 4), {index}, T(4), reduction='none')",
    "nn.functional.scaled_dot_product_attention(leaf(2, 3, 4), leaf(2, 5, 4), leaf(2, 5, 6), {any}, {rate}, {flag})", "nn.functional.batch_norm({X}, {any}, {any}, {any}, {any}, {flag}, {rate}, {rate})",
    "nn.functional.group_norm({X}, {n}, {any}, {any}, {rate})", "nn.functional.layer_norm({X}, {step}, {any})", "nn.functional.instance_norm({X}, {any}, {any})",
    "nn.functional.multi_margin_loss(leaf(3, 4), {index}, {n}, {rate}, T(4))", "nn.functional.one_hot({index}, {n})", "nn.functional.gumbel_softmax(leaf(3, 4), {rate}, {flag})",
    "nn.LSTM(4, {n}, {n}, batch_first={flag}, dropout={rate}, bidirectional={flag})({any})", "nn.GRU(4, 3, 2)(leaf(5, 2, 4), {any})", "nn.RNN(4, 3)(leaf(5, 2, 4), {any})",
    "nn.LSTM(4, 3)(leaf(5, 2, 4), ({any}, {any}))", "nn.MultiheadAttention(4, {n})(leaf(3, 2, 4), leaf(3, 2, 4), leaf(3, 2, 4), {any}, {flag}, {any})",
    "nn.utils.rnn.pack_padded_sequence(leaf(4, 3, 2), {index}, {flag}, {flag})", "nn.utils.rnn.pad_sequence([leaf(3, 2), {any}], {flag}, {rate})",
    "wengert.linalg.{linalg}({matrix})", "wengert.linalg.{linalg}({matrix}, {any})", "wengert.linalg.{linalg}({matrix}, {matrix})", "wengert.special.{special}({any}, {n})",
    "wengert.special.{special}(leaf(3), {rate})", "stepped(wengert.optim.{optimizer}({parameters}, {hyper}))", "stepped(wengert.optim.{optimizer}([leaf(3, 3), leaf(3)], {hyper}))",
    "changed_state(wengert.optim.{optimizer}([leaf(3, 3), leaf(3)]), {any})", "misused({given}, lambda F, ctx, x: ({context}, {result})[1], lambda F, ctx, x, g: ({context}, {gradient})[1])",
    "misused({given}, lambda F, ctx, x: ({context}, {context}, {result})[2], lambda F, ctx, x, g: {gradient}, {flag})",
    "wengert.distributions.{distribution}({rate}, {rate}).sample({step})", "wengert.distributions.{distribution}(leaf(3), leaf(3).exp()).log_prob({any})",
    "wengert.distributions.{distribution}(leaf(3).exp(), leaf(3).exp()).rsample({step})", "wengert._core.optimizer_step({names}, {any}, {n}, ([leaf(3)], [T(3)], [T(3)]))",
    "wengert._core.optimizer_step('adam', T(9, dtype=f64), 0, ([T(3)], [T(3)], [T(3)], [T(3)], [T(1)]))", "wengert._core.arange_into({any}, {rate}, {rate})",
    "wengert._core.linspace_into({any}, {rate}, {rate})", "wengert.searchsorted({any}, {any}, right={flag})", "wengert.bucketize({any}, {any})", "wengert.isin({any}, {any})",
    "wengert.func.vmap(lambda x: x * 2, {n}, {n})({any})", "wengert.func.jacrev(lambda x: {any})({any})", "wengert.func.hessian(lambda x: (x * x).sum())({given})",
    "nn.utils.clip_grad_norm_({parameters}, {rate}, {rate})", "nn.utils.parametrizations.weight_norm(nn.Linear(3, 3), 'weight', {n})(T(3, 3))",
    "nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3), n_power_iterations=2, eps={rate})(T(3, 3))"]


def call(names, rng):
    """The text of one such call."""
    d = rng.choice([1, 2, 2, 3])
    wengert = names["wengert"]
    public = lambda module: rng.choice([n for n in dir(module) if not n.startswith("_") and callable(getattr(module, n))])
    odd = lambda usual, often=.85: rng.choice(usual) if rng.random() < often else rng.choice(ODD)

    def hyper():
        made = []
        for name in rng.sample(OPTIMIZERS[optimizer], rng.randrange(len(OPTIMIZERS[optimizer]) + 1)):
            one = lambda: rng.choice(RATES)
            made.append(f"{name}=({one()}, {one()})" if name in ("betas", "etas", "step_sizes") and rng.random() < .8 else
                        f"{name}={rng.choice(['True', 'False'])}" if rng.random() < .2 else f"{name}={rng.choice(['1', '3', '5']) if name in ('max_iter', 'history_size') else one()}")
        return ", ".join(made)
    optimizer = rng.choice([o for o in OPTIMIZERS if hasattr(wengert.optim, o)])
    fillers = {
        "d": lambda: str(d), "X": lambda: rng.choice(X[d] if rng.random() < .85 else EMPTY + values.TENSORS), "W": lambda: rng.choice(W[d] if rng.random() < .9 else EMPTY + values.TENSORS),
        "bias": lambda: rng.choice(["None", "None", "T(4)", "leaf(4)", "T(2)", "T(4, dtype=f64)", "5"]), "step": lambda: odd(STEPS), "pad": lambda: odd(PADS),
        "groups": lambda: odd(["1", "1", "2", "4"]), "n": lambda: odd(["1", "2", "4", "3"], .7), "flag": lambda: rng.choice(["True", "False", "None"]), "mode": lambda: rng.choice(MODES),
        "rate": lambda: rng.choice(RATES), "pads": lambda: rng.choice(["(1, 1)", "(1, 2, 1, 1)", "(-1, 1)", "(1, 1, 1, 1, 1, 1)", "(2**62, 2**62)", "(-9, 0)", "(1,)"] + ODD),
        "padmode": lambda: rng.choice(["'constant'", "'reflect'", "'replicate'", "'circular'", "'x'"]),
        "index": lambda: rng.choice(["wengert.tensor([0, 2, 1])", "wengert.tensor([[0, 1, 2], [2, 1, 0]])", "wengert.tensor([3, 3])", "wengert.tensor([2**40, -1, 5])", "T(0, dtype=i64)",
                                     "wengert.tensor([0, 0, 3], dtype=wengert.int32)", "wengert.tensor(2)", "T(3)", "[2, 1, 3]"]),
        "any": lambda: rng.choice(rng.choice([values.TENSORS, values.TENSORS, values.OTHER, values.INTS, ["None", "leaf(3)", "T(4)", "leaf(3, 3)"]])),
        "matrix": lambda: rng.choice(["leaf(3, 3)", "T(3, 3, dtype=f64)", "leaf(2, 3, 3)", "leaf(4, 3)", "wengert.eye(3)", "T(3, 3) * nan", "T(0, 0)", "T(2, 0, 3)", "T(3)", "T(3, 3) * inf"]),
        "linalg": lambda: public(wengert.linalg), "special": lambda: public(wengert.special), "optimizer": lambda: optimizer, "parameters": lambda: rng.choice(PARAMETERS), "hyper": hyper,
        "distribution": lambda: rng.choice([n for n in dir(wengert.distributions) if isinstance(getattr(wengert.distributions, n), type)]),
        "names": lambda: rng.choice(["'sgd'", "'adam'", "'rmsprop'", "'adagrad'", "'x'", "None"]), "given": lambda: rng.choice(["leaf(3, 3)", "computed(3)", "T(3)", "leaf(3, 3).t()", "V.w", "leaf()"]),
        "context": lambda: rng.choice(STEPS_OF_CONTEXTS), "result": lambda: rng.choice(RESULTS), "gradient": lambda: rng.choice(GRADIENTS)}
    return re.sub(r"\{(\w+)\}", lambda m: fillers[m.group(1)](), rng.choice(TEMPLATES))


def misused(wengert):
    def apply(x, forward, backward, setup=False):
        class F(wengert.autograd.Function):
            pass
        if setup:
            F.forward = staticmethod(lambda x: forward(F, None, x))
            F.setup_context = staticmethod(lambda ctx, inputs, output: ctx.save_for_backward(output))
        else:
            F.forward = staticmethod(lambda ctx, x: forward(F, ctx, x))
        F.backward = staticmethod(lambda ctx, *g: backward(F, ctx, x, *g))
        y = F.apply(x)
        for create in (True, False):
            if isinstance(y, wengert.Tensor) and y.requires_grad:
                y.sum().backward(retain_graph=create, create_graph=create)
        x.grad = None
        return y
    return apply


def changed_state(stepped):
    """A step of an optimizer whose state and groups somebody has overwritten."""
    def change(optimizer, value):
        stepped(optimizer)
        for state in optimizer.state.values():
            for name in state:
                state[name] = value
                try:
                    optimizer.step()
                except Exception:
                    pass                                    # any error will do; what counts is that it is one
        for group in optimizer.param_groups:
            for name in group:
                if name != "params":
                    group[name] = value
        optimizer.step()
    return change
