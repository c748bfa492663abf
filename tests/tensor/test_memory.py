"""What tensors show of their memory, how it is changed, and what may be written into it. Compared with torch."""
import gc
import os
import re
import warnings

import pytest

import wengert

torch = pytest.importorskip("torch")
from tests.like_torch import assert_same  # noqa: E402

#: expressions of x: (2, 2), g: a leaf of that shape, y: computed from it, u: bytes
EXPRESSIONS = """
x[0]._base is x | x._base | (x*2)._base | x.view(4)._base is x | x.view(4)[1:]._base is x | x.detach()._base | x.detach()._is_view()
x[0]._is_view() | x._is_view() | x.t()._base is x | x.expand(3,2,2)._base is x | x.data._base | x.view(4).view(2,2)._base is x
x.squeeze_()._base | x._version | x.add_(1)._version | x[0].add_(1)._version | x.is_shared() | x.share_memory_() is x
x.share_memory_().is_shared() | g.retains_grad | y.retains_grad | (y.retain_grad(), y.retains_grad)[1] | g.grad_dtype | x.grad_dtype
setattr(g,'grad',5) | setattr(g,'grad',t.ones(3)) | setattr(g,'grad',t.ones(2,2).long()) | setattr(g,'grad',g)
setattr(x,'grad',t.ones(2,2)) | setattr(g,'grad',t.ones(2,2,dtype=t.float64)) | setattr(g,'data',t.ones(3))
(setattr(g,'data',t.ones(3)), g)[1] | (setattr(g,'data',t.ones(3,dtype=t.float64)), g)[1] | setattr(g,'data',t.ones(3).long())
setattr(g,'data',5) | (setattr(x,'data',t.ones(3).long()), x)[1] | (setattr(y,'data',t.ones(3)), y)[1] | x.set_(t.ones(3)) | x.set_()
x.set_(t.ones(3).long()) | g.set_(t.ones(3)) | x.set_(t.ones(6).untyped_storage(), 1, (2,), (1,)) | x.set_(t.ones(6).storage())
x.untyped_storage().nbytes() | x[1].untyped_storage().nbytes() | len(x.untyped_storage()) | x.untyped_storage().size()
x.untyped_storage().data_ptr() == x.data_ptr() | x[1].untyped_storage().data_ptr() == x.data_ptr() | x.untyped_storage().tolist()
list(x.untyped_storage())[:4] | x.storage().tolist() | x.storage().size() | x.storage()[1] | len(x.storage()) | x.storage().dtype
x.storage().data_ptr() == x.data_ptr() | x.storage().nbytes() | type(x.untyped_storage()).__name__ | type(x.storage()).__name__
x.storage().element_size() | x.untyped_storage().element_size() | x.untyped_storage().is_shared() | x.untyped_storage().device
x.untyped_storage().clone().nbytes() | x.untyped_storage().fill_(0) is not None | (x.untyped_storage().fill_(0), x)[1]
(x.storage().fill_(3), x)[1] | x.untyped_storage()[0] | x[1].storage_offset() | x.element_size() | x.nbytes | x.itemsize
x.is_set_to(x) | x.is_set_to(x.view(2,2)) | x.is_set_to(x.t()) | x.is_set_to(x.clone()) | g.resize_(3) | y.resize_(3) | x.resize_(3)
x.resize_(3,2).shape | x.resize_((1,4)) | x.resize_(2,2) | g.resize_as_(t.ones(3)) | x.t().resize_(4) | t.as_strided(x,(3,2),(1,1))
x.as_strided((2,2),(1,2),1) | x.as_strided((2,),(1,)) | x.as_strided((5,),(1,)) | x.as_strided((2,),(-1,)) | x.as_strided((2,2),(1,))
x.as_strided_((2,),(1,)) | gr(t, lambda g: g.as_strided((3,2),(1,1))) | gr(t, lambda g: g.t().as_strided((3,2),(1,1)))
gr(t, lambda g: g.expand(3,2,2).as_strided((3,),(1,),0)) | gr(t, lambda g: g.as_strided((2,2),(0,1))) | x.var() | x[0,:1].var()
x[:0].var() | x.std(0, correction=2) | t.var(x, dim=0, correction=3) | x.bool().cumsum_(0) | x.bool().cumprod_(0)
x.bool().cumsum(0) | u.fill_(300) | u.fill_(-1) | u.fill_(2.5) | u.index_fill(0,t.tensor([0]),300) | u.scatter(0,t.tensor([0]),300)
u.masked_fill(t.tensor([True,False,False]),300) | u.masked_fill_(t.tensor([True,False,False]),-1)
u.masked_fill(t.tensor([True,False,False]),1.5) | t.full((2,),300,dtype=t.uint8) | t.full((2,),1e60) | x.fill_(1e60)
t.ones(2,dtype=t.int8).fill_(128) | t.ones(2,dtype=t.int8).fill_(-128) | t.ones(2,dtype=t.int32).fill_(2**31)
t.ones(2,dtype=t.float16).fill_(1e6) | t.ones(2,dtype=t.int32).fill_(float('nan')) | t.ones(2,dtype=t.int32).fill_(float('inf'))
t.ones(2,dtype=t.bool).fill_(5) | u.add(300) | u + 300 | u.new_full((2,),300) | t.full_like(u,300) | u.__setitem__(0,300)
u.index_put_((t.tensor([0]),),t.tensor(300)) | u.index_fill_(0,t.tensor([0]),-5) | u.masked_scatter(t.tensor([True,False,False]),u)
u.scatter_(0,t.tensor([0]),300) | u.scatter(0,t.tensor([0]),-5) | u.mul(300) | t.tensor([-1],dtype=t.uint8) | t.tensor([1e60])
u.eq(300) | u.fmod(300) | u.sub_(300) | u == 300 | t.arange(0,600,300,dtype=t.uint8)
"""


def gr(t, f):
    """The gradient of a weighted sum of f(g)."""
    g = t.ones(2, 2, dtype=t.float64, requires_grad=True)
    z = f(g)
    return t.autograd.grad((z * t.arange(1.0, z.numel() + 1, dtype=t.float64).view(z.shape)).sum(), g)[0]


@pytest.mark.parametrize("text", [e.strip() for line in EXPRESSIONS.strip().splitlines() for e in line.split(" | ")])
def test_expressions(text, monkeypatch):
    from wengert import storage
    monkeypatch.setattr(storage, "_warned", True)           # each library warns once of typed storages
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.ones(1).storage()

    def program(t):
        x = t.zeros(2, 2) if "base" in text or "_is_view" in text else t.arange(4.0).view(2, 2)
        g = t.ones(2, 2, requires_grad=True)
        return eval(text, {"t": t, "x": x, "g": g, "y": g * 2, "u": t.ones(3, dtype=t.uint8), "gr": gr})

    def plain(t):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = program(t)
        return result, [re.sub(r" \(Triggered internally.*", "", str(w.message), flags=re.S) for w in caught]
    assert_same(plain)


def test_the_base_of_a_view_may_be_gone():
    x = wengert.arange(6.0)
    v, w = x[1:3], x[2:]
    assert v._base is x and w._base is x
    del x
    gc.collect()
    base = v._base
    assert base.tolist() == [0, 1, 2, 3, 4, 5] and w._base is base and base._base is None
    base.add_(1)
    assert v.tolist() == [2, 3] and v._version == 1


def test_the_base_found_again_is_part_of_the_graph():
    leaf = wengert.ones(4, requires_grad=True)
    v = (leaf * 2)[1:]
    base = v._base
    (base * base).sum().backward()
    assert leaf.grad.tolist() == [8, 8, 8, 8]


def test_gradients_of_windows_of_any_memory():
    def program(t):
        g = t.arange(6.0, dtype=t.float64).view(2, 3).requires_grad_()
        total = 0
        for layout in (g, g.t(), (g * 2).t(), g[:, 1:], (g * 3)[1:].t()):
            y = layout.as_strided((2, 2), (1, 1))
            total = total + (y * y * t.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=t.float64)).sum()
        first, = t.autograd.grad(total, g, create_graph=True)
        return first, t.autograd.grad(first.sum(), g)[0]
    assert_same(program, 1e-12)


def test_a_written_window_reaches_the_base():
    def program(t):
        g = t.ones(2, 3, dtype=t.float64, requires_grad=True)
        x = (g * 2).t()
        x.as_strided((2,), (2,), 1).mul_(5)
        (x * x).sum().backward()
        return x, g.grad
    assert_same(program, 1e-12)


def test_shared_memory_is_seen_by_forked_processes():
    x = wengert.zeros(4, requires_grad=True)
    view = x.detach()
    assert not x.is_shared() and x.share_memory_() is x and x.is_shared() and x.detach()[1:].is_shared()
    assert view.tolist() == [0, 0, 0, 0] and x.is_leaf and x.requires_grad
    child = os.fork()
    if child == 0:
        with wengert.no_grad():
            x[2] = 7.0
        os._exit(0)
    os.waitpid(child, 0)
    assert x.tolist() == [0, 0, 7, 0]


def test_a_storage_window_must_lie_inside():
    x = wengert.zeros(4)
    for offset, size, stride in ((0, (5,), (1,)), (3, (2,), (1,)), (-1, (1,), (1,)), (0, (2,), (4,)), (2**62, (1,), (1,)), (0, (2,), (2**62,))):
        with pytest.raises(RuntimeError):
            x.set_(wengert.ones(4).untyped_storage(), offset, size, stride)
    assert x.tolist() == [0, 0, 0, 0]
