"""Rows of recurrent networks: one layer and direction over all time steps, or one cell.

Rows of the sequences lie one time step after the other; steps holds how many sequences each step has, not increasing. A sequence
that has ended keeps its state. reverse goes from the last step to the first; a sequence then begins with its initial state
when its last element comes.
"""


def define(op):
    op("_lstm", "gates, h, c, weight, steps: int[], reverse: bool",
       outs="y, h_n, c_n, activations!kernel, h_before!kernel, c_before!kernel, tanh_c!kernel", vjp="composed", kernel=True, materialize=False,
       kernel_reads="weight, activations, h_before, c_before, tanh_c", grad_name="LstmBackward0",
       doc="i, f, g, o = gates[t] + h @ weight.T in quarters; c' = sigmoid(f)*c + sigmoid(i)*tanh(g); h' = sigmoid(o)*tanh(c'). gates: "
           "(sum of steps, 4 * hidden); h and c: (steps[0], hidden); y: every h'.")
    op("_gru", "gates, h, weight, bias: Tensor?, steps: int[], reverse: bool",
       outs="y, h_n, activations!kernel, new_h!kernel, h_before!kernel", vjp="composed", kernel=True, materialize=False,
       kernel_reads="weight, activations, new_h, h_before", grad_name="GruBackward0",
       doc="r, z = sigmoid of two thirds of gates[t] + (h @ weight.T + bias); n = tanh(n_x + r*n_h) of the last thirds; h' = n + z*(h - n).")
