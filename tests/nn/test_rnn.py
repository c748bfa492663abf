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
