"""Runs a statement often enough for its time to be told."""
import textwrap
import timeit

from ... import get_num_threads, set_num_threads
from .measurement import Measurement, TaskSpec

__all__ = ["Timer"]


class Timer:
    """Times a statement, at a number of threads that is put back afterwards.

    Args:
        stmt, setup (str): what is timed, and what runs once before it. timer: the clock. globals (dict): the names that both see.
        label, sub_label, description, env (str): where tables show it. num_threads (int): for kernels, meanwhile.

    Raises:
        NotImplementedError: another ``language`` than Python, or ``global_setup``, which belongs to it.
    """

    def __init__(self, stmt="pass", setup="pass", global_setup="", timer=timeit.default_timer, globals=None, label=None, sub_label=None,
                 description=None, env=None, num_threads=1, language="python"):
        if str(getattr(language, "name", language)).lower() not in ("python", "py"):
            raise NotImplementedError("statements are timed in Python: time C++ by a program of its own")
        if global_setup:
            raise NotImplementedError("global_setup is for C++ statements; put it into setup")
        stmt, setup = (textwrap.dedent(text).strip() for text in (stmt, setup))
        self._globals = dict(globals) if globals is not None else {}
        self._timer = timeit.Timer(stmt=stmt, setup=setup, timer=timer, globals=self._with_torch())
        self._task_spec = TaskSpec(stmt=stmt, setup=setup, label=label, sub_label=sub_label, description=description, env=env,
                                   num_threads=num_threads)

    def _with_torch(self):
        import wengert
        return {"torch": wengert, **self._globals}

    def _run(self, number):
        before = get_num_threads()
        set_num_threads(self._task_spec.num_threads)
        try:
            return max(self._timer.timeit(number), 1e-9)
        finally:
            set_num_threads(before)

    def timeit(self, number=1000000):
        """A Measurement of one run of ``number`` executions, after some to warm up."""
        self._run(max(number // 100, 2))
        return Measurement(number, [self._run(number)], self._task_spec)

    def repeat(self, repeat=-1, number=-1):
        """Raises NotImplementedError: use `timeit`, `blocked_autorange` or `adaptive_autorange`."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    autorange = repeat

    def _estimate(self, min_run_time):
        """Executions of a run: as many as take a thousandth of the time to measure for, so that the clock costs nothing."""
        number = 1
        while True:
            time = self._run(number)
            if time >= max(min_run_time / 1000, 1e-4):
                return number
            number *= 10

    def blocked_autorange(self, callback=None, min_run_time=0.2):
        """Runs of equal numbers of executions, until they took ``min_run_time`` seconds. callback(number, time): told of each."""
        number, times = self._estimate(min_run_time), []
        while not times or sum(times) < min_run_time:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
        return Measurement(number, times, self._task_spec)

    def adaptive_autorange(self, threshold=0.1, *, min_run_time=0.01, max_run_time=10.0, callback=None):
        """Runs until the interquartile range is below ``threshold`` of the median, or ``max_run_time`` seconds are over."""
        number, times = self._estimate(0.05), []
        while True:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
            m = Measurement(number, times, self._task_spec)
            spent = sum(times)
            if spent > max_run_time or len(times) > 3 and spent > min_run_time and m.meets_confidence(threshold):
                return m
