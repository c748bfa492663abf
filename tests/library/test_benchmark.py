"""Timer, Measurement and Compare, with a clock that the tests wind."""
import pytest

import wengert
from wengert.utils import benchmark


class Clock:
    """Each call is ``step`` seconds after the one before."""

    def __init__(self, step):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def test_statements_see_their_names_and_the_number_of_threads():
    seen, before = [], wengert.get_num_threads()
    timer = benchmark.Timer("seen.append((x, torch.get_num_threads()))", "x = 3", globals={"seen": seen}, num_threads=2)
    m = timer.timeit(5)
    assert set(seen) == {(3, 2)} and m.number_per_run == 5 and m.num_threads == 2 and wengert.get_num_threads() == before


def test_threads_are_put_back_where_the_statement_raises():
    before = wengert.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        benchmark.Timer("1 / 0", num_threads=before + 1).timeit(1)
    assert wengert.get_num_threads() == before


def test_ranges():
    timer = benchmark.Timer("pass", timer=Clock(0.05))
    told = []
    m = timer.blocked_autorange(callback=lambda number, time: told.append(number), min_run_time=0.2)
    assert m.number_per_run == 1 and len(m.raw_times) in (4, 5) and told == [1] * len(m.raw_times)
    assert m.median == pytest.approx(0.05) and m.mean == pytest.approx(0.05) and m.iqr == pytest.approx(0, abs=1e-9)
    assert len(timer.adaptive_autorange().raw_times) == 4


def test_statistics_and_report():
    spec = benchmark.TaskSpec("f(x)", "pass", label="f", sub_label="small", description="ours")
    m = benchmark.Measurement(10, [2e-5, 1e-5, 4e-5, 3e-5], spec)
    assert m.times == pytest.approx([2e-6, 1e-6, 4e-6, 3e-6]) and m.median == pytest.approx(2.5e-6) and m.iqr == pytest.approx(1.5e-6)
    assert m.has_warnings and not m.meets_confidence() and m.significant_figures == 1
    assert str(m).startswith("f: small\nours\n  Median: 2.50 us\n  IQR:    1.50 us (1.75 to 3.25)\n  4 measurements, 10 runs per measurement, 1 thread\n")
    assert m.label == "f" and m.title == "f: small"
    with pytest.raises(AttributeError):
        m.nothing


def test_tables():
    def of(time, **fields):
        return benchmark.Measurement(1, [time] * 4, benchmark.TaskSpec("f", "pass", label="f", **fields))

    compare = benchmark.Compare([of(1e-5, sub_label="a", description="x"), of(2e-5, sub_label="a", description="y"),
                                 of(4e-5, sub_label="b", description="x", num_threads=2)])
    lines = [" ".join(line.split()) for line in str(compare).splitlines()]
    assert lines[1] == "| x | y" and lines[2].startswith("1 threads") and lines[3] == "a | 10.0 | 20.0"
    assert lines[4].startswith("2 threads") and lines[5] == "b | 40.0 |" and lines[-1] == "Times are in microseconds (us)."
    compare.colorize(rowwise=True)
    assert "\033[92m\033[1m" in str(compare) and "\033[91m" in str(compare)
    with pytest.raises(ValueError, match="Measurement"):
        compare.extend_results([1])


def test_refused():
    with pytest.raises(NotImplementedError):
        benchmark.Timer("x", language="c++")
    with pytest.raises(NotImplementedError):
        benchmark.Timer().repeat()
