"""Recurrent layers and cells against torch in float64: outputs, states, gradients, packed sequences, errors."""

import like_torch
import pytest
from like_torch import array, assert_same


def filled(t, module):
    return like_torch.filled(t, module, -0.5, 0.5)


LAYERS = {
    "RNN": lambda n: n.RNN(3, 4),
    "RNN relu": lambda n: n.RNN(3, 4, nonlinearity="relu", num_layers=2),
    "RNN positional": lambda n: n.RNN(3, 4, 2, "relu", False),
    "LSTM": lambda n: n.LSTM(3, 4),
    "LSTM stacked": lambda n: n.LSTM(3, 4, num_layers=2, bidirectional=True),
    "LSTM no bias": lambda n: n.LSTM(3, 4, bias=False, batch_first=True),
    "LSTM projected": lambda n: n.LSTM(3, 4, proj_size=2, num_layers=2, bidirectional=True),
    "LSTM dropout 0.5": lambda n: n.LSTM(3, 4, num_layers=2, dropout=0.5).eval(),
    "GRU": lambda n: n.GRU(3, 4),
    "GRU stacked": lambda n: n.GRU(3, 4, num_layers=3, bidirectional=True, batch_first=True),
}


def state_of(t, module, batch, seed=5):
    n = module.num_layers * (2 if module.bidirectional else 1)
    shape = (n,) if batch is None else (n, batch)
    h = t.tensor(array(*shape, module.proj_size or module.hidden_size, seed=seed), requires_grad=True)
    if module.mode != "LSTM":
        return h
    return h, t.tensor(array(*shape, module.hidden_size, seed=seed + 1), requires_grad=True)


def finish(t, module, output, state, leaves):
    states = list(state) if isinstance(state, tuple) else [state]
    total = sum((x * t.arange(1, x.numel() + 1, dtype=t.float64).reshape(x.shape).cos()).sum() for x in [output, *states])
    total.backward()
    return [
        output,
        states,
        [x.grad for x in leaves],
        [p.grad for p in module.parameters()],
        list(module.state_dict()),
        [[w.shape for w in ws] for ws in module.all_weights],
        module,
    ]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("batch", [2, None])
def test_layer(name, with_state, batch):
    def program(t):
        module = filled(t, LAYERS[name](t.nn))
        shape = (5, 3) if batch is None else (batch, 5, 3) if module.batch_first else (5, batch, 3)
        x = t.tensor(array(*shape), requires_grad=True)
        state = state_of(t, module, batch) if with_state else None
        output, final = module(x, state)
        leaves = [x, *(state if isinstance(state, tuple) else [state] if with_state else [])]
        return finish(t, module, output, final, leaves)

    assert_same(program, 1e-10)


@pytest.mark.parametrize("name", ["RNN", "LSTM stacked", "GRU stacked", "LSTM projected"])
@pytest.mark.parametrize("is_sorted", [True, False])
@pytest.mark.parametrize("with_state", [False, True])
def test_packed(name, is_sorted, with_state):
    def program(t):
        rnn = t.nn.utils.rnn
        module = filled(t, LAYERS[name](t.nn))
        lengths = [5, 3, 3, 1] if is_sorted else [3, 5, 1, 3]
        x = t.tensor(array(4, 5, 3), requires_grad=True)
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=is_sorted)
        state = state_of(t, module, 4) if with_state else None
        output, final = module(packed, state)
        padded, sizes = rnn.pad_packed_sequence(output, batch_first=True, padding_value=-1.0)
        leaves = [x, *(state if isinstance(state, tuple) else [state] if with_state else [])]
        return [finish(t, module, padded, final, leaves), sizes, packed.batch_sizes, packed.sorted_indices is None]

    assert_same(program, 1e-10)


CELLS = {
    "RNNCell": lambda n: n.RNNCell(3, 4),
    "RNNCell relu": lambda n: n.RNNCell(3, 4, nonlinearity="relu"),
    "LSTMCell": lambda n: n.LSTMCell(3, 4),
    "GRUCell": lambda n: n.GRUCell(3, 4, bias=False),
}


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("batch", [2, None])
@pytest.mark.parametrize("with_state", [False, True])
def test_cell(name, batch, with_state):
    def program(t):
        cell = filled(t, CELLS[name](t.nn))
        shape = () if batch is None else (batch,)
        x = t.tensor(array(*shape, 3), requires_grad=True)
        h, c = (t.tensor(array(*shape, 4, seed=i)) for i in (1, 2))
        state = (h, c) if name == "LSTMCell" else h
        out = cell(x, state) if with_state else cell(x)
        parts = list(out) if isinstance(out, tuple) else [out]
        sum(p.exp().sum() for p in parts).backward()
        return [parts, x.grad, [p.grad for p in cell.parameters()], cell, list(cell.state_dict())]

    assert_same(program, 1e-10)


def test_dropout_between_layers_draws_torchs_mask():
    def program(t):
        t.manual_seed(3)
        module = filled(t, t.nn.GRU(3, 4, num_layers=2, dropout=0.5))
        return module(t.tensor(array(5, 2, 3)))

    assert_same(program, 1e-10)


@pytest.mark.parametrize("name", ["LSTM", "GRU stacked", "RNN relu"])
def test_initial_parameters(name):
    def program(t):
        t.manual_seed(3)
        return list(LAYERS[name](t.nn).parameters())

    assert_same(program, 1e-6)


PROGRAMS = {
    "dropout 2": lambda t: t.nn.LSTM(3, 4, dropout=2),
    "dropout one layer": lambda t: t.nn.LSTM(3, 4, dropout=0.5),
    "hidden 0": lambda t: t.nn.LSTM(3, 0),
    "hidden float": lambda t: t.nn.LSTM(3, 4.0),
    "layers 0": lambda t: t.nn.LSTM(3, 4, num_layers=0),
    "proj negative": lambda t: t.nn.LSTM(3, 4, proj_size=-1),
    "proj large": lambda t: t.nn.LSTM(3, 4, proj_size=4),
    "proj GRU": lambda t: t.nn.GRU(3, 4, proj_size=2),
    "proj RNN": lambda t: t.nn.RNN(3, 4, proj_size=2),
    "nonlinearity": lambda t: t.nn.RNN(3, 4, nonlinearity="x"),
    "cell nonlinearity": lambda t: t.nn.RNNCell(3, 4, nonlinearity="x")(t.ones(3)),
    "mode": lambda t: t.nn.RNNBase("x", 3, 4),
    "input dims": lambda t: t.nn.LSTM(3, 4)(t.ones(3)),
    "input size": lambda t: t.nn.GRU(3, 4)(t.ones(2, 2)),
    "state size": lambda t: t.nn.GRU(3, 4)(t.ones(2, 1, 3), t.ones(1, 2, 4)),
    "state size LSTM": lambda t: t.nn.LSTM(3, 4)(t.ones(2, 1, 3), (t.ones(1, 1, 4), t.ones(1, 1, 3))),
    "state dims": lambda t: t.nn.GRU(3, 4)(t.ones(2, 1, 3), t.ones(1, 4)),
    "state dims LSTM": lambda t: t.nn.LSTM(3, 4)(t.ones(2, 3), (t.ones(1, 1, 4), t.ones(1, 1, 4))),
    "state dims LSTM batched": lambda t: t.nn.LSTM(3, 4)(t.ones(2, 1, 3), (t.ones(1, 4), t.ones(1, 4))),
    "cell input": lambda t: t.nn.GRUCell(3, 4)(t.ones(1, 1, 3)),
    "cell state": lambda t: t.nn.GRUCell(3, 4)(t.ones(1, 3), t.ones(1, 1, 4)),
    "LSTM cell state": lambda t: t.nn.LSTMCell(3, 4)(t.ones(1, 3), (t.ones(1, 1, 4), t.ones(1, 4))),
    "pad_sequence": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2, 2), t.ones(3, 2)], padding_value=7.0),
    "pad_sequence left": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2), t.ones(3)], True, padding_side="left"),
    "pad_sequence side": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2)], True, padding_side="x"),
    "pad_sequence number": lambda t: t.nn.utils.rnn.pad_sequence(3),
    "unpad_sequence": lambda t: t.nn.utils.rnn.unpad_sequence(t.ones(3, 2), t.tensor([2, 3])),
    "pack_sequence": lambda t: list(t.nn.utils.rnn.pack_sequence([t.ones(3), t.ones(2)]))[:2],
    "unpack_sequence": lambda t: t.nn.utils.rnn.unpack_sequence(
        t.nn.utils.rnn.pack_sequence([t.ones(2), t.ones(3)], enforce_sorted=False)
    ),
    "pack unsorted": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.ones(3, 2), [2, 3]),
    "pack zero": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.ones(3, 2), [3, 0]),
    "pack count": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.ones(3, 2), [3]),
    "pad total": lambda t: t.nn.utils.rnn.pad_packed_sequence(
        t.nn.utils.rnn.pack_sequence([t.ones(3), t.ones(2)]), total_length=5
    ),
    "pad total short": lambda t: t.nn.utils.rnn.pad_packed_sequence(
        t.nn.utils.rnn.pack_sequence([t.ones(3), t.ones(2)]), total_length=2
    ),
    "invert": lambda t: t.nn.utils.rnn.invert_permutation(t.tensor([2, 0, 1])),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name], 1e-6)


# ---- whole sequences in one operation ----

SECOND = {
    "LSTM": (lambda n: n.LSTM(2, 3, bidirectional=True), 2),
    "LSTM packed": (lambda n: n.LSTM(2, 3, num_layers=2), 2),
    "GRU": (lambda n: n.GRU(2, 3, bidirectional=True), 1),
    "GRU packed": (lambda n: n.GRU(2, 3, num_layers=2, bias=False), 1),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_derivatives(name):
    def program(t):
        make, _ = SECOND[name]
        module = filled(t, make(t.nn))
        x = t.tensor(array(4, 3, 2), requires_grad=True)
        given = t.nn.utils.rnn.pack_padded_sequence(x, [4, 3, 1]) if "packed" in name else x
        output, _ = module(given)
        output = output.data if "packed" in name else output
        first = t.autograd.grad((output ** 2).sum(), [x, *module.parameters()], create_graph=True)
        sum((g ** 3).sum() for g in first).backward()
        return [*first, x.grad, *(p.grad for p in module.parameters())]

    assert_same(program, 1e-10)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [[3, 3, 3], [3, 2, 2, 1], [3], [2, 0]])
def test_third_derivatives_and_every_subset_of_gradients(reverse, steps):
    import wengert as w
    rows = sum(steps)
    given = [w.tensor(array(*shape, seed=k)) for k, shape in enumerate([(rows, 8), (steps[0], 2), (steps[0], 2), (8, 2)])]
    given3 = [w.tensor(array(*shape, seed=k)) for k, shape in enumerate([(rows, 6), (steps[0], 2), (6, 2), (6,)])]
    for op, values, outs in ((w.ops._lstm, given, 3), (w.ops._gru, given3, 2)):
        for mask in (15, 1, 8, 6):
            leaves = [v.clone().requires_grad_() if mask >> i & 1 else v for i, v in enumerate(values)]

            def f(*chosen):
                rest = iter(chosen)
                return op(*(next(rest) if mask >> i & 1 else v for i, v in enumerate(values)), steps, reverse)[:outs]

            chosen = [x for x in leaves if x.requires_grad]
            assert w.autograd.gradcheck(f, chosen)
            assert w.autograd.gradgradcheck(f, chosen)
    x = [v.clone().requires_grad_() for v in given]
    g, = w.autograd.grad(w.ops._lstm(*x, steps, reverse)[0].pow(2).sum(), x[3], create_graph=True)
    h, = w.autograd.grad(g.pow(2).sum(), x[3], create_graph=True)
    assert w.autograd.grad(h.pow(2).sum(), x[3])[0].isfinite().all()


def test_an_input_computed_from_another_one():
    """The copies that the second derivative goes through must not follow h0 = f(c0)."""
    import wengert as w
    c0, gates, weight = (w.tensor(array(*s)).requires_grad_() for s in ((3, 2), (6, 8), (8, 2)))

    def f(c0, gates, weight):
        return w.ops._lstm(gates, c0 * 2, c0, weight, [3, 3], False)[0]

    assert w.autograd.gradcheck(f, (c0, gates, weight)) and w.autograd.gradgradcheck(f, (c0, gates, weight))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_bits_at_any_number_of_threads(kind, dtype):
    import wengert as w
    w.manual_seed(3)
    module = getattr(w.nn, kind)(20, 96, num_layers=2).to(getattr(w, dtype))
    x = w.randn(9, 130, 20, dtype=getattr(w, dtype))

    def run():
        module.zero_grad()
        output, _ = module(x)
        (output ** 2).sum().backward()
        return [output, *(p.grad for p in module.parameters())]

    threads, found = w.get_num_threads(), []
    try:
        for n in (1, 2, 3):
            w.set_num_threads(n)
            found.append([t.clone() for t in run()])
    finally:
        w.set_num_threads(threads)
    assert all(w.equal(a, b) for other in found[1:] for a, b in zip(found[0], other))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_one_operation_agrees_with_single_steps(kind, monkeypatch):
    import wengert as w
    from wengert.nn.modules import rnn
    w.manual_seed(4)
    module = getattr(w.nn, kind)(5, 7, num_layers=2, bidirectional=True).double()
    x = w.randn(6, 4, 5, dtype=w.float64)
    results = []
    for single in (False, True):
        if single:
            monkeypatch.setattr(rnn, "_sequence", lambda *a: None)
        module.zero_grad()
        output, _ = module(x)
        output.pow(2).sum().backward()
        results.append([output, *(p.grad for p in module.parameters())])
    for a, b in zip(*results):
        assert w.allclose(a, b, rtol=1e-12, atol=1e-13)


def test_unfitting_operands_of_the_operations():
    import wengert as w
    gates, h, weight = w.zeros(6, 8), w.zeros(3, 2), w.zeros(8, 2)
    for wrong in (([3, 2],), ([2, 3, 1],), ([4, 2],), ([3, 4, -1],)):
        with pytest.raises(RuntimeError, match="lstm: "):
            w.ops._lstm(gates, h, h, weight, *wrong, False)
    with pytest.raises(RuntimeError, match="don't fit"):
        w.ops._lstm(gates, h, w.zeros(3, 3), weight, [3, 3], False)
    with pytest.raises(RuntimeError, match="one dtype"):
        w.ops._lstm(gates, h.double(), h, weight, [3, 3], False)
    with pytest.raises(RuntimeError, match="don't fit"):
        w.ops._gru(w.zeros(6, 6), h, w.zeros(6, 2), w.zeros(5), [3, 3], False)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_half_types_go_step_by_step(kind):
    import wengert as w
    module = getattr(w.nn, kind)(3, 4)
    x = w.randn(5, 2, 3)
    expected, _ = module(x)
    half, _ = module.bfloat16()(x.bfloat16())
    assert half.dtype is w.bfloat16 and w.allclose(half.float(), expected, atol=0.05)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_no_sequences_and_no_time_steps(name):
    def program(t):
        module = filled(t, getattr(t.nn, name)(3, 4))
        with pytest.raises(RuntimeError, match="Expected sequence length to be larger than 0 in RNN"):
            module(t.zeros(0, 2, 3, dtype=t.float64))
        output, _ = module(t.zeros(5, 0, 3, dtype=t.float64))
        output.sum().backward()
        return [output.shape, *(p.grad for p in module.parameters())]

    assert_same(program)


def test_other_weights_take_the_places_of_the_parameters():
    import torch

    import wengert

    def run(t):
        t.manual_seed(0)
        layer = t.nn.LSTM(2, 3, 2)
        weights = [w * 2 for w in layer._flat_weights]
        for name, weight in zip(layer._flat_weights_names, weights):
            layer._parameters[name] = weight
        layer._flat_weights = weights
        y = layer(t.ones(4, 1, 2))[0]
        return y.sum().item(), [len(layer._flat_weights), layer._flat_weights[0] is weights[0]]

    ours, theirs = run(wengert), run(torch)
    assert abs(ours[0] - theirs[0]) < 1e-5 and ours[1] == theirs[1]


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_gradients_of_the_last_state_alone(kind):
    """No gradient arrives at the outputs: their type must come from elsewhere."""
    def program(t):
        module = filled(t, getattr(t.nn, kind)(3, 4))
        x = t.tensor(array(5, 2, 3), requires_grad=True)
        _, state = module(x)
        (state[1] if kind == "LSTM" else state).sum().backward()
        return [x.grad, *(p.grad for p in module.parameters())]

    assert_same(program, 1e-10)
