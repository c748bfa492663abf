"""backward() and autograd.grad(): accumulation, retain_graph, create_graph, inputs=, unused inputs."""
import pytest

pytestmark = pytest.mark.engine


def leaf(lib, *values, dtype=None):
    return lib.tensor(list(values), requires_grad=True, dtype=dtype)


# ---- accumulation ----

def test_grad_is_none_before_the_first_backward(lib):
    assert leaf(lib, 1.0).grad is None


def test_backward_accumulates(lib):
    x = leaf(lib, 1.0, 2.0)
    for expected in ([2.0, 4.0], [4.0, 8.0], [6.0, 12.0]):
        (x * x).sum().backward()
        assert x.grad.tolist() == expected


def test_accumulation_keeps_the_grad_tensor(lib):
    x = leaf(lib, 1.0)
    (x * 2).sum().backward()
    grad, address = x.grad, x.grad.data_ptr()
    (x * 3).sum().backward()
    assert x.grad is grad and grad.data_ptr() == address and grad.tolist() == [5.0]


def test_grad_set_to_none_starts_anew(lib):
    x = leaf(lib, 1.0)
    (x * 2).sum().backward()
    old = x.grad
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0] and old.tolist() == [2.0] and x.grad is not old


def test_grad_assigned_by_the_user_is_accumulated_into(lib):
    x = leaf(lib, 1.0)
    mine = lib.tensor([10.0])
    x.grad = mine
    (x * 2).sum().backward()
    assert x.grad is mine and mine.tolist() == [12.0]


def test_gradients_of_one_sweep_are_summed(lib):
    x = leaf(lib, 3.0)
    y = x * 2
    (y * y + y + x).sum().backward()
    assert x.grad.tolist() == [2 * 2 * 6.0 + 2 + 1]


def test_gradient_argument_is_not_changed_or_kept(lib):
    x = leaf(lib, 1.0, 2.0)
    g = lib.tensor([1.0, 10.0])
    x.backward(g)
    assert x.grad is not g and x.grad.data_ptr() != g.data_ptr()
    x.backward(g)
    assert g.tolist() == [1.0, 10.0] and x.grad.tolist() == [2.0, 20.0]


def test_cotangent_shared_by_two_leaves_is_not_shared_by_their_grads(lib):
    x, y = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    (x + y).backward(lib.tensor([1.0, 2.0]))
    assert x.grad.data_ptr() != y.grad.data_ptr()
    x.grad.add_(100)
    assert y.grad.tolist() == [1.0, 2.0]


def test_grad_of_an_expanded_cotangent_is_dense(lib):
    x = leaf(lib, 1.0, 2.0, 3.0)
    x.sum().backward()
    assert x.grad.stride() == (1,)
    x.grad[0] = 7
    assert x.grad.tolist() == [7.0, 1.0, 1.0]


def test_leaf_as_root(lib):
    x = leaf(lib, 5.0)
    x.backward()
    assert x.grad.tolist() == [1.0]


def test_several_roots(lib):
    x = leaf(lib, 1.0, 2.0)
    y, z = (x * 2).sum(), x * 3
    lib.autograd.backward([y, z], [None, lib.tensor([1.0, 10.0])])
    assert x.grad.tolist() == [5.0, 32.0]


def test_same_root_twice_counts_twice(lib):
    x = leaf(lib, 1.0)
    y = (x * 2).sum()
    lib.autograd.backward([y, y])
    assert x.grad.tolist() == [4.0]


def test_one_root_that_another_depends_on(lib):
    x = leaf(lib, 2.0)
    y = x * 3
    z = y * y
    lib.autograd.backward([z, y], [lib.ones(1), lib.ones(1)])
    assert x.grad.tolist() == [2 * 6.0 * 3 + 3]


def test_grad_has_the_dtype_of_its_leaf(lib):
    x = leaf(lib, 1.0)
    y = leaf(lib, 1.0, dtype=lib.float64)
    (x * y).sum().backward()
    assert x.grad.dtype is lib.float32 and y.grad.dtype is lib.float64


def test_implicit_gradient_only_for_one_element(lib):
    x = leaf(lib, 1.0, 2.0)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        (x * 2).backward()
    y = leaf(lib, 4.0)
    (y * 2).reshape(1, 1, 1).backward()
    assert y.grad.tolist() == [2.0]


def test_root_without_gradient(lib):
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad and does not have a grad_fn"):
        lib.ones(1).backward()


def test_second_root_without_gradient_leaves_nothing_behind(lib):
    x = leaf(lib, 1.0)
    y = (x * x).sum()
    with pytest.raises(RuntimeError, match="element 1 of tensors does not require grad"):
        lib.autograd.backward([y, lib.ones(())])
    assert x.grad is None
    y.backward()
    assert x.grad.tolist() == [2.0]


def test_mismatched_gradient(lib):
    x = leaf(lib, 1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"Mismatch in shape: grad_output\[0\] has a shape of .*\[3\].* and output\[0\] has a shape of .*\[2\]"):
        (x * 2).backward(lib.ones(3))


def test_wrong_number_of_gradients(lib):
    x = leaf(lib, 1.0)
    with pytest.raises(RuntimeError, match="got 2 tensors and 1 gradients"):
        lib.autograd.backward([x * 2, x * 3], [lib.ones(1)])


# ---- spent graphs ----

def test_second_backward_through_saved_values_raises(lib):
    x = leaf(lib, 1.0)
    y = x.exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()
    assert x.grad.tolist() == pytest.approx([2.718281828], rel=1e-6)


def test_message_of_a_spent_record_names_the_record_and_the_remedy():
    import wengert
    x = leaf(wengert, 1.0)
    y = x.exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True.*ExpBackward0.*detach"):
        y.backward()


def test_second_backward_through_adds_and_views_is_allowed(lib):
    x = leaf(lib, 1.0, 2.0)
    y = (x + 1).view(2, 1).t().sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_second_backward_through_a_product_with_a_number_is_allowed():
    import wengert
    x = leaf(wengert, 1.0)             # torch refuses: it saves the number as a tensor
    y = (x * 3).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [6.0]


def test_retain_graph(lib):
    x = leaf(lib, 2.0)
    y = (x * x * x).sum()
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [36.0]
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


def test_only_what_ran_is_spent(lib):
    x = leaf(lib, 2.0)
    common = x + 0
    a, b = (common * common).sum(), (common * common * common).sum()
    a.backward()
    b.backward()
    assert x.grad.tolist() == [16.0]


def test_tensor_kept_from_an_earlier_iteration_raises(lib):
    w = leaf(lib, 0.5)
    hidden = lib.ones(1)
    with pytest.raises(RuntimeError, match="a second time"):
        for _ in range(2):
            hidden = (hidden * w).tanh()
            hidden.sum().backward()


def test_detached_from_an_earlier_iteration_is_fine(lib):
    w = leaf(lib, 0.5)
    hidden = lib.ones(1)
    for _ in range(3):
        hidden = (hidden.detach() * w).tanh()
        hidden.sum().backward()
    assert w.grad is not None


def test_error_in_the_middle_leaves_no_residue(lib):
    x = leaf(lib, 2.0)
    y = x * x
    handle = y.register_hook(lambda g: 1 / 0)
    z = (y * y).sum()
    with pytest.raises(ZeroDivisionError):
        z.backward(retain_graph=True)
    assert x.grad is None
    handle.remove()
    z.backward()
    assert x.grad.tolist() == [32.0]


# ---- create_graph ----

def test_create_graph_gives_differentiable_gradients(lib):
    x = leaf(lib, 2.0)
    y = x ** 3
    g, = lib.autograd.grad(y, x, create_graph=True)
    assert g.requires_grad and g.tolist() == [12.0]
    h, = lib.autograd.grad(g, x, create_graph=True)
    assert h.tolist() == [12.0]
    k, = lib.autograd.grad(h, x)
    assert k.tolist() == [6.0] and not k.requires_grad


def test_create_graph_implies_retain_graph(lib):
    x = leaf(lib, 2.0)
    y = (x * x).sum()
    lib.autograd.grad(y, x, create_graph=True)
    assert lib.autograd.grad(y, x)[0].tolist() == [4.0]


def test_create_graph_without_retain(lib):
    x = leaf(lib, 2.0)
    y = (x * x).sum()
    lib.autograd.grad(y, x, create_graph=True, retain_graph=False)
    with pytest.raises(RuntimeError, match="a second time"):
        lib.autograd.grad(y, x)


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph=True:UserWarning")
def test_backward_with_create_graph_gives_grad_a_history(lib):
    x = leaf(lib, 3.0)
    (x * x).sum().backward(create_graph=True)
    grad = x.grad
    assert grad.requires_grad
    x.grad = None
    grad.sum().backward()
    assert x.grad.tolist() == [2.0]
    x.grad = None


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph=True:UserWarning")
def test_accumulation_with_create_graph_is_out_of_place(lib):
    x = leaf(lib, 3.0)
    (x * x).sum().backward(create_graph=True)
    first = x.grad
    (x * x).sum().backward(create_graph=True)
    assert x.grad is not first and first.tolist() == [6.0] and x.grad.tolist() == [12.0]
    assert lib.autograd.grad(x.grad, x)[0].tolist() == [4.0]
    x.grad = None


def test_gradient_penalty(lib):
    w = leaf(lib, 1.0, -2.0)
    x = lib.tensor([3.0, 0.5], requires_grad=True)
    y = (w * x).sum() ** 2
    gx, = lib.autograd.grad(y, x, create_graph=True)
    (gx * gx).sum().backward()
    # y = s^2, s = w.x = 2; gx = 2 s w; |gx|^2 = 4 s^2 |w|^2; d/dw = 8 s x |w|^2 + 8 s^2 w
    assert w.grad.tolist() == [8 * 2 * 3 * 5 + 8 * 4 * 1, 8 * 2 * 0.5 * 5 + 8 * 4 * -2]


def test_gradient_through_the_cotangent(lib):
    x, g = leaf(lib, 2.0), leaf(lib, 5.0)
    gx, = lib.autograd.grad(x * x, x, g, create_graph=True)
    assert lib.autograd.grad(gx, g)[0].tolist() == [4.0]


def test_cotangent_that_was_written_through_its_base(lib):
    x, w = leaf(lib, 2.0), leaf(lib, 3.0, 4.0)
    base = w * 1
    g = base[:1]
    base.mul_(10)                      # g is stale now
    gx, = lib.autograd.grad(x * x, x, g, create_graph=True)
    assert gx.tolist() == [120.0]
    assert lib.autograd.grad(gx, w)[0].tolist() == [40.0, 0.0]


# ---- inputs= ----

def test_inputs_restricts_accumulation(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    (x * y).sum().backward(inputs=[x])
    assert x.grad.tolist() == [3.0] and y.grad is None


def test_inputs_may_be_one_tensor(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    (x * y).sum().backward(inputs=y)
    assert y.grad.tolist() == [2.0] and x.grad is None


def test_inputs_accumulate(lib):
    x = leaf(lib, 2.0)
    y = (x * x).sum()
    y.backward(inputs=[x], retain_graph=True)
    y.backward(inputs=[x])
    assert x.grad.tolist() == [8.0]


def test_inputs_twice_count_once(lib):
    x = leaf(lib, 2.0)
    (x * 5).sum().backward(inputs=[x, x])
    assert x.grad.tolist() == [5.0]


def test_inputs_that_are_not_reached_stay_untouched(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    (x * 5).sum().backward(inputs=[x, y])
    assert x.grad.tolist() == [5.0] and y.grad is None


def test_empty_inputs(lib):
    with pytest.raises(RuntimeError, match="`inputs` argument to `backward\\(\\)` cannot be empty."):
        leaf(lib, 1.0).backward(inputs=[])


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")
def test_inputs_may_be_computed(lib):
    x = leaf(lib, 2.0)
    y = x * 3
    (y * y).sum().backward(inputs=[y])
    assert y.grad.tolist() == [12.0] and x.grad is None


def test_records_that_lead_to_no_input_do_not_run(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    ran = []
    a = x * 2
    b = y * 3
    a.register_hook(lambda g: ran.append("a"))
    b.register_hook(lambda g: ran.append("b"))
    (a * b).sum().backward(inputs=[x])
    assert ran == ["a"]


def test_records_that_did_not_run_are_not_spent(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    a, b = x.exp(), y.exp()
    c = a + b
    lib.autograd.grad(c, x)
    assert lib.autograd.grad(c, y)[0].tolist() == pytest.approx([20.0855369], rel=1e-6)
    with pytest.raises(RuntimeError, match="a second time"):
        lib.autograd.grad(c, x)


# ---- grad ----

def test_grad_returns_and_does_not_accumulate(lib):
    x = leaf(lib, 2.0)
    g, = lib.autograd.grad((x * x).sum(), x)
    assert g.tolist() == [4.0] and x.grad is None


def test_grad_of_an_intermediate(lib):
    x = leaf(lib, 2.0)
    y = x * 3
    z = y * y
    gy, gx = lib.autograd.grad(z, [y, x])
    assert gy.tolist() == [12.0] and gx.tolist() == [36.0]


def test_grad_with_respect_to_the_root(lib):
    x = leaf(lib, 2.0)
    z = x * 3
    assert lib.autograd.grad(z, [z])[0].tolist() == [1.0]
    gz, gx = lib.autograd.grad(z, [z, x])
    assert gz.tolist() == [1.0] and gx.tolist() == [3.0]


def test_grad_with_respect_to_a_leaf_that_is_the_root(lib):
    x = leaf(lib, 2.0)
    assert lib.autograd.grad(x, x)[0].tolist() == [1.0]


def test_grad_of_the_same_input_twice(lib):
    x = leaf(lib, 2.0)
    a, b = lib.autograd.grad(x * 3, [x, x])
    assert a.tolist() == b.tolist() == [3.0]


def test_grad_of_outputs_that_depend_on_each_other(lib):
    x = leaf(lib, 2.0)
    y = x * 3
    z = y * 5
    gx, gy = lib.autograd.grad([y, z], [x, y])
    assert gx.tolist() == [18.0] and gy.tolist() == [6.0]


def test_grad_unused_raises(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    with pytest.raises(RuntimeError, match="The differentiated Tensor at index 1 appears to not have been used in the graph. Set allow_unused=True"):
        lib.autograd.grad(x * 2, [x, y])


def test_grad_allow_unused(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    gx, gy = lib.autograd.grad(x * 2, [x, y], allow_unused=True)
    assert gx.tolist() == [2.0] and gy is None


def test_grad_materialize(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0, 4.0)
    gx, gy = lib.autograd.grad(x * 2, [x, y], materialize_grads=True)
    assert gx.tolist() == [2.0] and gy.tolist() == [0.0, 0.0]


def test_grad_materialize_contradicts_not_allow_unused(lib):
    x = leaf(lib, 2.0)
    with pytest.raises(ValueError, match="Expected allow_unused to be True or not passed when materialize_grads=True"):
        lib.autograd.grad(x * 2, [x], allow_unused=False, materialize_grads=True)


def test_grad_of_what_does_not_require_grad(lib):
    x = leaf(lib, 2.0)
    with pytest.raises(RuntimeError, match="One of the differentiated Tensors does not require grad"):
        lib.autograd.grad(x * 2, lib.ones(1))


def test_grads_batched(lib):
    x = leaf(lib, 2.0, 3.0)
    y = x * x
    rows = lib.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    g, = lib.autograd.grad(y, x, rows, is_grads_batched=True)
    assert g.tolist() == [[4.0, 0.0], [0.0, 6.0], [4.0, 6.0]]


def test_grads_batched_spends_the_graph_once(lib):
    x = leaf(lib, 2.0, 3.0)
    y = x * x
    rows = lib.eye(2)
    lib.autograd.grad(y, x, rows, is_grads_batched=True, retain_graph=True)
    lib.autograd.grad(y, x, rows, is_grads_batched=True)
    with pytest.raises(RuntimeError, match="a second time"):
        lib.autograd.grad(y, x, lib.ones(2))


def test_grads_batched_with_an_unused_input(lib):
    x, z = leaf(lib, 2.0, 3.0), leaf(lib, 1.0)
    g, none = lib.autograd.grad(x * x, [x, z], lib.eye(2), is_grads_batched=True, allow_unused=True)
    assert g.tolist() == [[4.0, 0.0], [0.0, 6.0]] and none is None


def test_jacobian_by_rows_with_retained_graph(lib):
    x = leaf(lib, 1.0, 2.0)
    y = lib.stack([x[0] * x[1], x[0] ** 2])
    rows = [lib.autograd.grad(y[i], x, retain_graph=True)[0].tolist() for i in range(2)]
    assert rows == [[2.0, 1.0], [2.0, 0.0]]


def test_many_inputs(lib):
    xs = [leaf(lib, float(i)) for i in range(500)]
    y = lib.cat([x * x for x in xs]).sum()
    assert [g.item() for g in lib.autograd.grad(y, xs)] == [2.0 * i for i in range(500)]


def test_integer_results_carry_no_gradient(lib):
    x = leaf(lib, 1.5, -2.5)
    assert not (x > 0).requires_grad and not x.long().requires_grad and not x.argmax().requires_grad
    values, indices = x.max(0)
    assert values.requires_grad and not indices.requires_grad


def test_gradient_of_no_elements(lib):
    x = lib.empty(0, 3, requires_grad=True)
    (x * 2).sum().backward()
    assert tuple(x.grad.shape) == (0, 3)


# ---- documented departure: a gradient that the output broadcasts to is summed down to it ----

def test_longer_gradient_of_a_scalar():
    import wengert
    x = leaf(wengert, 1.0, 2.0)
    y = (x * 2).sum()
    y.backward(wengert.tensor([1.0, 0.5, 0.25]))
    assert x.grad.tolist() == [3.5, 3.5]
