"""Containers against torch's: list and dictionary operations, printing, errors."""

from collections import OrderedDict

import pytest
from like_torch import assert_same


def chain(t):
    return t.nn.Sequential(t.nn.ReLU(), t.nn.Tanh(), t.nn.Linear(2, 2))


def named(t):
    return t.nn.Sequential(OrderedDict(first=t.nn.ReLU(), second=t.nn.Tanh()))


def mlist(t):
    return t.nn.ModuleList([t.nn.ReLU(), t.nn.ReLU(), t.nn.Tanh()])


def mdict(t):
    return t.nn.ModuleDict({"b": t.nn.ReLU(), "a": t.nn.Tanh()})


def plist(t):
    return t.nn.ParameterList([t.ones(2, 3), t.nn.Parameter(t.ones(())), "text"])


def pdict(t):
    return t.nn.ParameterDict({"b": t.ones(2), "a": t.nn.Parameter(t.ones(1, 2)), "c": 3})


def after(make, change):
    def program(t):
        thing = make(t)
        result = change(t, thing)
        return [result, thing, len(thing), list(thing.state_dict()), [n for n, _ in thing.named_children()]]

    return program


def set_item(key, value):
    return lambda t, m: m.__setitem__(key, value(t))


RELU = lambda t: t.nn.ReLU()  # noqa: E731
PROGRAMS = {
    "Sequential": after(chain, lambda t, m: m[1]),
    "Sequential call": lambda t: t.nn.Sequential(t.nn.Identity(), t.nn.ReLU())(t.tensor([-1.0, 1.0])),
    "Sequential empty": after(lambda t: t.nn.Sequential(), lambda t, m: m(3)),
    "Sequential negative": after(chain, lambda t, m: m[-1]),
    "Sequential out of range": after(chain, lambda t, m: m[3]),
    "Sequential text index": after(chain, lambda t, m: m["0"]),
    "Sequential slice": after(named, lambda t, m: m[1:]),
    "Sequential set": after(named, set_item(1, RELU)),
    "Sequential set number": after(named, set_item(1, lambda t: 3)),
    "Sequential delete": after(chain, lambda t, m: m.__delitem__(0)),
    "Sequential delete slice": after(chain, lambda t, m: m.__delitem__(slice(0, 2))),
    "Sequential add": after(chain, lambda t, m: m + named(t)),
    "Sequential add list": after(chain, lambda t, m: m + [3]),
    "Sequential iadd": after(chain, lambda t, m: m.__iadd__(named(t))),
    "Sequential iadd list": after(chain, lambda t, m: m.__iadd__([3])),
    "Sequential mul": after(chain, lambda t, m: [m * 2, 2 * m]),
    "Sequential mul 0": after(chain, lambda t, m: m * 0),
    "Sequential mul text": after(chain, lambda t, m: m * "a"),
    "Sequential imul": after(chain, lambda t, m: m.__imul__(2)),
    "Sequential imul 0": after(chain, lambda t, m: m.__imul__(0)),
    "Sequential pop": after(chain, lambda t, m: m.pop(0)),
    "Sequential pop slice": after(chain, lambda t, m: m.pop(slice(1, 3))),
    "Sequential append": after(chain, lambda t, m: m.append(t.nn.GELU())),
    "Sequential append number": after(chain, lambda t, m: m.append(3)),
    "Sequential insert": after(chain, lambda t, m: m.insert(1, t.nn.GELU())),
    "Sequential insert last": after(chain, lambda t, m: m.insert(3, t.nn.GELU())),
    "Sequential insert negative": after(chain, lambda t, m: m.insert(-1, t.nn.GELU())),
    "Sequential insert out of range": after(chain, lambda t, m: m.insert(4, t.nn.GELU())),
    "Sequential insert number": after(chain, lambda t, m: m.insert(0, 3)),
    "Sequential extend": after(chain, lambda t, m: m.extend([t.nn.GELU(), t.nn.SiLU()])),
    "Sequential dir": lambda t: [n for n in dir(chain(t)) if n.isdigit()],
    "Sequential of a class": lambda t: t.nn.Sequential(t.nn.ReLU),
    "ModuleList": after(mlist, lambda t, m: [m[0], m[-1], list(m)]),
    "ModuleList empty": lambda t: t.nn.ModuleList(),
    "ModuleList runs": lambda t: t.nn.ModuleList([t.nn.Linear(1, 1) for _ in range(3)] + [mlist(t)]),
    "ModuleList slice": after(mlist, lambda t, m: m[1:]),
    "ModuleList out of range": after(mlist, lambda t, m: m[3]),
    "ModuleList set": after(mlist, set_item(-1, RELU)),
    "ModuleList delete": after(mlist, lambda t, m: m.__delitem__(1)),
    "ModuleList delete slice": after(mlist, lambda t, m: m.__delitem__(slice(0, 2))),
    "ModuleList iadd": after(mlist, lambda t, m: m.__iadd__([t.nn.GELU()])),
    "ModuleList add": after(mlist, lambda t, m: m + [t.nn.GELU()]),
    "ModuleList insert": after(mlist, lambda t, m: m.insert(1, t.nn.GELU())),
    "ModuleList append": after(mlist, lambda t, m: m.append(t.nn.GELU())),
    "ModuleList pop": after(mlist, lambda t, m: m.pop(1)),
    "ModuleList extend": after(mlist, lambda t, m: m.extend(chain(t))),
    "ModuleList extend number": after(mlist, lambda t, m: m.extend(3)),
    "ModuleList call": after(mlist, lambda t, m: m(3)),
    "ModuleList dir": lambda t: [n for n in dir(mlist(t)) if n.isdigit()],
    "ModuleDict": after(mdict, lambda t, m: [m["a"], list(m), list(m.keys()), list(m.values()), "a" in m]),
    "ModuleDict set": after(mdict, set_item("b", RELU)),
    "ModuleDict missing": after(mdict, lambda t, m: m["x"]),
    "ModuleDict delete": after(mdict, lambda t, m: m.__delitem__("b")),
    "ModuleDict pop": after(mdict, lambda t, m: m.pop("b")),
    "ModuleDict clear": after(mdict, lambda t, m: m.clear()),
    "ModuleDict items": after(mdict, lambda t, m: list(m.items())),
    "ModuleDict pairs": after(mdict, lambda t, m: m.update([("z", t.nn.ReLU()), ["y", t.nn.GELU()]])),
    "ModuleDict from dict": after(mdict, lambda t, m: m.update(mdict(t))),
    "ModuleDict update number": after(mdict, lambda t, m: m.update(3)),
    "ModuleDict update bad": after(mdict, lambda t, m: m.update([3])),
    "ModuleDict update long": after(mdict, lambda t, m: m.update([(1, 2, 3)])),
    "ModuleDict method name": after(mdict, lambda t, m: m.update({"keys": t.nn.ReLU()})),
    "ModuleDict number key": after(mdict, lambda t, m: m.update({1: t.nn.ReLU()})),
    "ParameterList": after(plist, lambda t, m: [m[0], m[-1], [type(v).__name__ for v in m]]),
    "ParameterList slice": after(plist, lambda t, m: m[:2]),
    "ParameterList out of range": after(plist, lambda t, m: m[9]),
    "ParameterList set": after(plist, set_item(0, lambda t: t.zeros(1))),
    "ParameterList append": after(plist, lambda t, m: m.append(t.zeros(1))),
    "ParameterList extend": after(plist, lambda t, m: m.extend([t.zeros(1), 4])),
    "ParameterList extend tensor": after(plist, lambda t, m: m.extend(t.zeros(1))),
    "ParameterList extend number": after(plist, lambda t, m: m.extend(3)),
    "ParameterList iadd": after(plist, lambda t, m: m.__iadd__([t.zeros(1)])),
    "ParameterList call": after(plist, lambda t, m: m()),
    "ParameterDict": after(pdict, lambda t, m: [list(m), list(m.items()), m["a"], "b" in m, m.get("x", 4)]),
    "ParameterDict ordered": lambda t: t.nn.ParameterDict(OrderedDict(b=t.ones(1), a=t.ones(2))),
    "ParameterDict number key": after(pdict, lambda t, m: m[3]),
    "ParameterDict delete": after(pdict, lambda t, m: m.__delitem__("a")),
    "ParameterDict pop": after(pdict, lambda t, m: m.pop("a")),
    "ParameterDict popitem": after(pdict, lambda t, m: m.popitem()),
    "ParameterDict clear": after(pdict, lambda t, m: m.clear()),
    "ParameterDict setdefault": after(pdict, lambda t, m: [m.setdefault("c", 4), m.setdefault("d", 5)]),
    "ParameterDict fromkeys": after(pdict, lambda t, m: m.fromkeys(["u", "v"], 7)),
    "ParameterDict copy": after(pdict, lambda t, m: m.copy()),
    "ParameterDict or": after(pdict, lambda t, m: m | t.nn.ParameterDict({"z": t.ones(3)})),
    "ParameterDict ior": after(pdict, lambda t, m: m.__ior__({"z": t.ones(3)})),
    "ParameterDict update number": after(pdict, lambda t, m: m.update(3)),
    "ParameterDict update bad": after(pdict, lambda t, m: m.update([3])),
    "ParameterDict update long": after(pdict, lambda t, m: m.update([(1, 2, 3)])),
    "ParameterDict reversed": after(pdict, lambda t, m: list(reversed(m))),
    "ParameterDict call": after(pdict, lambda t, m: m(1)),
    "Container": lambda t: t.nn.Container(a=t.nn.ReLU()),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name])


def test_insert_in_a_module_list_counts_from_the_end_like_a_list():
    import wengert

    modules = mlist(wengert)
    modules.insert(-1, wengert.nn.GELU())
    assert [type(m).__name__ for m in modules] == ["ReLU", "ReLU", "GELU", "Tanh"]
    assert list(modules._modules) == ["0", "1", "2", "3"]
