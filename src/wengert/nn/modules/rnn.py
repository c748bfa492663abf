"""Recurrent layers and cells: Elman RNN, LSTM, GRU."""

import math
import numbers
import warnings

from ... import _core, cat, empty, float32, float64, ops, sigmoid, stack, tanh, zeros
from .. import functional as F
from .. import init
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .module import Module

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


# ---- all time steps in one operation ------------------------------------------------------------------------------


def _lstm_inputs(rows, w_ih, b_ih, b_hh):
    """W_ih x + b_ih + b_hh of all rows."""
    return F.linear(rows, w_ih, b_ih if b_hh is None else b_ih + b_hh)


def _sequence(mode, rows, sizes, state, weights, reverse):
    """Outputs of all steps and the last states of one layer and direction, or None where single steps must do: an Elman network, a
    projection, mixed or half types.

    Args:
        rows, sizes, state: see :meth:`RNNBase._run`; state of this layer and direction. weights: w_ih, w_hh, b_ih, b_hh, w_hr.
    """
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    dtype = w_hh.dtype
    if w_hr is not None or dtype is not float32 and dtype is not float64 or any(s.dtype is not dtype for s in state):
        return None
    if mode == "LSTM":
        gates = _lstm_inputs(rows, w_ih, b_ih, b_hh)
        if gates.dtype is dtype:
            y, h, c = ops._lstm(gates, *state, w_hh, sizes, reverse)
            return y, (h, c)
    elif mode == "GRU":
        gates = F.linear(rows, w_ih, b_ih)
        if gates.dtype is dtype:
            y, h = ops._gru(gates, *state, w_hh, b_hh, sizes, reverse)
            return y, (h,)
    return None


# ---- one time step; gx is W_ih x + b_ih, h (and c) the state ------------------------------------------------------


def _rnn_step(gx, state, w_hh, b_hh, w_hr, nonlinearity):
    """h' = nonlinearity(W_ih x + b_ih + W_hh h + b_hh)."""
    h = nonlinearity(gx + F.linear(state[0], w_hh, b_hh))
    return (h,)


def _lstm_step(gx, state, w_hh, b_hh, w_hr, nonlinearity=None):
    """i, f, o = sigmoid, g = tanh of the four gates; c' = f c + i g, h' = o tanh(c'), projected by W_hr if there is one."""
    h, c = state
    i, f, g, o = (gx + F.linear(h, w_hh, b_hh)).chunk(4, -1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    return (h if w_hr is None else F.linear(h, w_hr)), c


def _gru_step(gx, state, w_hh, b_hh, w_hr, nonlinearity=None):
    """r, z = sigmoid of two gates; n = tanh(n_x + r n_h); h' = (1 - z) n + z h."""
    h = state[0]
    r_x, z_x, n_x = gx.chunk(3, -1)
    r_h, z_h, n_h = F.linear(h, w_hh, b_hh).chunk(3, -1)
    r = sigmoid(r_x + r_h)
    z = sigmoid(z_x + z_h)
    n = tanh(n_x + r * n_h)
    return (n + z * (h - n),)


_STEPS = {
    "LSTM": (_lstm_step, None),
    "GRU": (_gru_step, None),
    "RNN_TANH": (_rnn_step, tanh),
    "RNN_RELU": (_rnn_step, F.relu),
}
_MODES = {_lstm_step: "LSTM", _gru_step: "GRU"}


class RNNBase(Module):
    """What RNN, LSTM and GRU share: stacked layers, one or two directions, and their parameters.

    Shapes: input (L, N, input_size), (N, L, input_size) with ``batch_first``, (L, input_size) without a batch, or a PackedSequence;
    states (layers * directions, N, hidden_size); output (L, N, directions * hidden_size). With ``proj_size`` (LSTM only) the
    hidden state has that size instead.

    Args:
        mode (str): "LSTM", "GRU", "RNN_TANH" or "RNN_RELU". input_size, hidden_size, num_layers (int): sizes.
        bias, batch_first (bool). dropout (float): between layers, in training. bidirectional (bool). proj_size (int).
    """

    __constants__ = [
        "mode",
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
        "proj_size",
    ]

    def __init__(
        self,
        mode,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        proj_size=0,
        device=None,
        dtype=None,
    ):
        super().__init__()
        for name, value, kind in (("bias", bias, bool), ("batch_first", batch_first, bool), ("input_size", input_size, int),
                                  ("hidden_size", hidden_size, int)):
            if not isinstance(value, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
        if not isinstance(dropout, numbers.Number) or not 0 <= dropout <= 1 or isinstance(dropout, bool):
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=3,
            )
        if input_size <= 0:
            raise ValueError("input_size must be greater than zero")
        if hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        gates = _GATES[mode] * hidden_size
        state_size = proj_size or hidden_size
        directions = 2 if bidirectional else 1
        self._all_weights = []
        for layer in range(_core.check_room(num_layers, "layers", 1 << 20)):
            for direction in range(directions):
                suffix = f"_l{layer}" + ("_reverse" if direction else "")
                shapes = {
                    "weight_ih": (gates, input_size if layer == 0 else state_size * directions),
                    "weight_hh": (gates, state_size),
                }
                if bias:
                    shapes["bias_ih"] = shapes["bias_hh"] = (gates,)
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    setattr(self, name + suffix, Parameter(empty(shape, device=device, dtype=dtype)))
                self._all_weights.append([name + suffix for name in shapes])
        self.reset_parameters()

    def reset_parameters(self):
        """Draws all parameters uniformly from [-1/sqrt(hidden_size), 1/sqrt(hidden_size)]."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self):
        """Nothing to do: the parameters need not lie side by side here."""

    @property
    def all_weights(self):
        """The parameters, one list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self):
        return [weight for weights in self.all_weights for weight in weights]

    @_flat_weights.setter
    def _flat_weights(self, weights):
        """Other tensors in the places of the parameters, which ``forward`` then computes with."""
        for name, weight in zip(self._flat_weights_names, weights):
            if self._parameters[name] is not weight:
                self._parameters[name] = weight

    @property
    def _flat_weights_names(self):
        return [name for names in self._all_weights for name in names]

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size != 0:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.batch_first is not False:
            text += f", batch_first={self.batch_first}"
        if self.dropout != 0:
            text += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            text += f", bidirectional={self.bidirectional}"
        return text

    # ---- checks ----

    def _check_input(self, input, packed):
        weight = self.weight_ih_l0
        if input.dtype != weight.dtype:
            mine, its = (str(d).replace("wengert.", "torch.") for d in (input.dtype, weight.dtype))
            raise ValueError(f"RNN input dtype ({mine}) does not match weight dtype ({its}). Convert input: input.to({its}), or convert model: "
                             f"model.to({mine})")
        if packed:
            if input.dim() != 2:
                raise RuntimeError(f"input must have 2 dimensions, got {input.dim()}")
        elif input.dim() not in (2, 3):
            raise ValueError(f"{self._kind}: Expected input to be 2D or 3D, got {input.dim()}D instead")
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    @property
    def _kind(self):
        return self.mode.partition("_")[0]

    def _check_state(self, state, batch):
        """The initial states must be (layers * directions, batch, size)."""
        n = self.num_layers * (2 if self.bidirectional else 1)
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)
        for i, (tensor, size) in enumerate(zip(state, sizes)):
            if tuple(tensor.size()) != (n, batch, size):
                which = f"Expected hidden[{i}] size" if self.mode == "LSTM" else "Expected hidden size"
                raise RuntimeError(f"{which} {(n, batch, size)}, got {list(tensor.size())}")

    # ---- the computation ----

    def _initial(self, state, input, batch, batched):
        """The states as a tuple of (layers * directions, batch, size), zeros where none are given."""
        if state is None:
            n = self.num_layers * (2 if self.bidirectional else 1)
            sizes = (self.proj_size or self.hidden_size, self.hidden_size)[: 2 if self.mode == "LSTM" else 1]
            return tuple(zeros((n, batch, size), dtype=input.dtype) for size in sizes)
        state = tuple(state) if self.mode == "LSTM" else (state,)
        if not batched:
            state = tuple(s.unsqueeze(1) for s in state)
        self._check_state(state, batch)
        return state

    def _weights_of(self, index):
        """w_ih, w_hh, b_ih, b_hh and w_hr of one layer and direction, None where there is none."""
        found = [getattr(self, name) for name in self._all_weights[index]]
        w_hr = found.pop() if self.proj_size else None
        return (*found, w_hr) if self.bias else (*found, None, None, w_hr)

    def _run(self, rows, sizes, state):
        """All layers over time steps laid one after the other.

        Args:
            rows: (sum of sizes, input_size). sizes: the number of sequences at each step, not increasing.
            state: tuple of (layers * directions, batch, size).
        """
        step, nonlinearity = _STEPS[self.mode]
        directions = 2 if self.bidirectional else 1
        finals = []
        for layer in range(self.num_layers):
            if layer and self.dropout and self.training:
                rows = F.dropout(rows, self.dropout, True)
            outputs = []
            for direction in range(directions):
                index = layer * directions + direction
                weights = w_ih, w_hh, b_ih, b_hh, w_hr = self._weights_of(index)
                first = tuple(s[index] for s in state)
                done = _sequence(self.mode, rows, sizes, first, weights, direction == 1)
                if done is None:
                    def one(gx, now):
                        return step(gx, now, w_hh, b_hh, w_hr, nonlinearity)

                    inputs = F.linear(rows, w_ih, b_ih).split(sizes)
                    done = (_backwards if direction else _forwards)(one, inputs, sizes, first)
                output, final = done
                outputs.append(output)
                finals.append(final)
            rows = outputs[0] if directions == 1 else cat(outputs, -1)
        return rows, tuple(stack([final[i] for final in finals]) for i in range(len(state)))

    def forward(self, input, hx=None):
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        self._check_input(input, False)
        batched = input.dim() == 3
        if hx is not None:
            self._check_state_dims(hx, batched)
        if not batched:
            input = input.unsqueeze(1)
        elif self.batch_first:
            input = input.transpose(0, 1)
        length, batch = input.size(0), input.size(1)
        if length == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        state = self._initial(hx, input, batch, batched)
        rows, state = self._run(input.reshape(length * batch, self.input_size), [batch] * length, state)
        output = rows.reshape(length, batch, rows.size(-1))
        if not batched:
            output = output.squeeze(1)
            state = tuple(s.squeeze(1) for s in state)
        elif self.batch_first:
            output = output.transpose(0, 1)
        return output, state if self.mode == "LSTM" else state[0]

    def _check_state_dims(self, hx, batched):
        expected = 3 if batched else 2
        if self.mode == "LSTM":
            if any(s.dim() != expected for s in hx):
                found = f"({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
                kind = "batched 3-D" if batched else "unbatched 2-D"
                raise RuntimeError(
                    f"For {kind} input, hx and cx should also be {expected}-D but got {found}"
                )
        elif hx.dim() != expected:
            kind = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(f"For {kind} input, hx should also be {expected}-D but got {hx.dim()}-D tensor")

    def _forward_packed(self, packed, hx):
        data, batch_sizes, sorted_indices, unsorted_indices = packed
        self._check_input(data, True)
        sizes = batch_sizes.tolist()
        if hx is not None and sorted_indices is not None:
            hx = _permuted(hx, sorted_indices)
        state = self._initial(hx, data, sizes[0], True)
        rows, state = self._run(data, sizes, state)
        state = state if self.mode == "LSTM" else state[0]
        if unsorted_indices is not None:
            state = _permuted(state, unsorted_indices)
        return PackedSequence(rows, batch_sizes, sorted_indices, unsorted_indices), state


def _permuted(state, order):
    """The states with their batch dimension in another order."""
    if isinstance(state, tuple):
        return tuple(s.index_select(1, order) for s in state)
    return state.index_select(1, order)


def _forwards(step, inputs, sizes, state):
    """Outputs and last states; sequences end as the batch shrinks."""
    outputs = []
    ended = []
    for gx, size in zip(inputs, sizes):
        if size < state[0].size(0):
            ended.append(tuple(s[size:] for s in state))
            state = tuple(s[:size] for s in state)
        state = step(gx, state)
        outputs.append(state[0])
    if ended:
        ended.append(state)
        state = tuple(cat(parts) for parts in zip(*reversed(ended)))
    return cat(outputs), state


def _backwards(step, inputs, sizes, first):
    """As :func:`_forwards`, from the last time step; sequences begin as the batch grows."""
    outputs = []
    state = tuple(s[: sizes[-1]] for s in first)
    for gx, size in zip(reversed(inputs), reversed(sizes)):
        have = state[0].size(0)
        if size > have:
            state = tuple(cat([s, f[have:size]]) for s, f in zip(state, first))
        state = step(gx, state)
        outputs.append(state[0])
    return cat(outputs[::-1]), state


class RNN(RNNBase):
    """Elman RNN: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu with ``nonlinearity="relu"``.

    The other arguments and the shapes are those of :class:`RNNBase`, without ``mode``.
    """

    def __init__(self, *args, **kwargs):
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            self_nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            self_nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self_nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{self_nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__("RNN_" + self_nonlinearity.upper(), *args, **kwargs)
        self.nonlinearity = self_nonlinearity


class LSTM(RNNBase):
    """Long short-term memory: i, f, o = sigmoid(...), g = tanh(...), c' = f c + i g, h' = o tanh(c').

    Takes and returns the state as a pair (h, c). Arguments and shapes: :class:`RNNBase`, without ``mode``.
    """

    def __init__(self, *args, **kwargs):
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent unit: r, z = sigmoid(...), n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h' = (1 - z) n + z h.

    Arguments and shapes: :class:`RNNBase`, without ``mode``.
    """

    def __init__(self, *args, **kwargs):
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """What the cells share: weight_ih (gates * hidden, input), weight_hh (gates * hidden, hidden) and their biases."""

    __constants__ = ["input_size", "hidden_size", "bias"]

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), device=device, dtype=dtype))
        if bias:
            self.bias_ih = Parameter(empty(rows, device=device, dtype=dtype))
            self.bias_hh = Parameter(empty(rows, device=device, dtype=dtype))
        else:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draws all parameters uniformly from [-1/sqrt(hidden_size), 1/sqrt(hidden_size)]."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text

    def _step(self, step, input, state, nonlinearity=None):
        """One step on a batch, or on one sample without a batch dimension."""
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        parts = 2 if step is _lstm_step else 1
        if state is not None:
            state = tuple(state) if parts == 2 else (state,)
            for i, s in enumerate(state):
                if s.dim() not in (1, 2):
                    which = f"hx[{i}]" if parts == 2 else "hidden"
                    raise ValueError(f"{name}: Expected {which} to be 1D or 2D, got {s.dim()}D instead")
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
        if input.size(1) != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.size(1)} expected {self.input_size}")
        if state is None:
            zero = zeros((input.size(0), self.hidden_size), dtype=input.dtype)
            state = (zero,) * parts
        elif not batched:
            state = tuple(s.unsqueeze(0) for s in state)
        for i, s in enumerate(state):
            if s.size(0) != input.size(0):
                raise RuntimeError(f"Input batch size {input.size(0)} doesn't match hidden{i} batch size {s.size(0)}")
            if s.size(1) != self.hidden_size:
                raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {s.size(1)}, expected {self.hidden_size}")
        w_ih, w_hh, b_ih, b_hh = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        done = _sequence(_MODES.get(step), input, (input.size(0),), state, (w_ih, w_hh, b_ih, b_hh, None), False)
        if done is None:
            result = step(F.linear(input, w_ih, b_ih), state, w_hh, b_hh, None, nonlinearity)
        else:
            result = (done[0], *done[1][1:])
        if not batched:
            result = tuple(s.squeeze(0) for s in result)
        return result


class RNNCell(RNNCellBase):
    """One step of an Elman RNN. Shapes: input (N, input_size), state and result (N, hidden_size); N may be missing."""

    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, num_chunks=1, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(_rnn_step, input, hx, tanh if self.nonlinearity == "tanh" else F.relu)[0]


class LSTMCell(RNNCellBase):
    """One step of an LSTM. Shapes: input (N, input_size), state a pair of (N, hidden_size), result too; N may be missing."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, num_chunks=4, device=device, dtype=dtype)

    def forward(self, input, hx=None):
        return self._step(_lstm_step, input, hx)


class GRUCell(RNNCellBase):
    """One step of a GRU. Shapes: input (N, input_size), state and result (N, hidden_size); N may be missing."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, num_chunks=3, device=device, dtype=dtype)

    def forward(self, input, hx=None):
        return self._step(_gru_step, input, hx)[0]
