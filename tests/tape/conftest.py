"""Every test that takes ``lib`` runs with wengert and, where it is installed, with torch: the same literals hold for both."""
import gc

import pytest

import wengert
from wengert import _core


@pytest.fixture(params=["wengert", pytest.param("torch", marks=pytest.mark.torch)])
def lib(request):
    return wengert if request.param == "wengert" else pytest.importorskip("torch")


def counters():
    """What must come back to its old value when everything was dropped."""
    gc.collect()
    stats = _core.memory_stats()
    return {k: stats[k] for k in ("live_storages", "live_bytes", "imported", "records", "leaves")}


@pytest.fixture
def baseline():
    """Fails the test if storages, records or leaves that it made are alive at its end."""
    before = counters()
    yield
    assert counters() == before


@pytest.fixture(autouse=True)
def modes_restored():
    """No test may leave a mode switched."""
    word = _core._mode_word()
    yield
    assert _core._mode_word() == word
