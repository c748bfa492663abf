"""Times of a statement."""
import dataclasses
import math
import statistics

__all__ = ["Measurement", "TaskSpec", "scale_of", "rounded"]

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def scale_of(seconds):
    """(the unit's length in seconds, its name) in which this time is at least 1."""
    return next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])


def rounded(value, digits):
    """``value`` to so many significant digits."""
    return value if value == 0 else round(value, digits - 1 - math.floor(math.log10(abs(value))))


@dataclasses.dataclass(frozen=True)
class TaskSpec:
    """What is timed, and its place in a table: a line is (sub_label, num_threads), a column a description."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self):
        """What a report begins with."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        return f"stmt:\n  {self.stmt}" if "\n" in self.stmt else self.stmt


@dataclasses.dataclass(init=False, repr=False)
class Measurement:
    """Times of runs in seconds: ``raw_times`` of ``number_per_run`` executions each, ``times`` of one.

    Attributes:
        median, mean, iqr: of ``times``; iqr is the interquartile range.
        significant_figures: how many digits of the median the spread of the times allows to be printed.
    """

    number_per_run: int
    raw_times: list
    task_spec: TaskSpec
    metadata: dict | None = None

    def __init__(self, number_per_run, raw_times, task_spec, metadata=None):
        self.number_per_run, self.raw_times, self.task_spec, self.metadata = number_per_run, list(raw_times), task_spec, metadata

    def __getattr__(self, name):
        if name != "task_spec" and name in TaskSpec.__dataclass_fields__ or name == "title":
            return getattr(self.task_spec, name)
        raise AttributeError(f"'Measurement' object has no attribute '{name}'")

    @property
    def times(self):
        """Seconds an execution, by run."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self):
        """The median, in seconds."""
        return statistics.median(self.times)

    @property
    def mean(self):
        """The mean, in seconds."""
        return statistics.fmean(self.times)

    @property
    def iqr(self):
        """The interquartile range, in seconds; 0 of one run."""
        if len(self.raw_times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    @property
    def significant_figures(self):
        """Digits that the standard error of the median, estimated from the interquartile range, leaves standing: 1 to 3."""
        deviation = max(self.iqr / 1.349 / math.sqrt(len(self.raw_times)), self.median * 1e-3)
        return min(max(math.ceil(math.log10(self.median / (2.4 * deviation))), 1), 3)

    @property
    def has_warnings(self):
        """Is the spread of the times large: a quartile range of more than a tenth of the median?"""
        return self.iqr / self.median > 0.1

    def meets_confidence(self, threshold=0.1):
        """Is the interquartile range at most so large a part of the median?"""
        return self.iqr / self.median < threshold

    @property
    def as_row_name(self):
        """What a table calls its line."""
        return self.sub_label or self.stmt or "[Unknown]"

    @staticmethod
    def merge(measurements):
        """Measurements of equal tasks as one each: the times an execution of all their runs."""
        tasks = {}
        for m in measurements:
            tasks.setdefault(m.task_spec, []).extend(m.times)
        return [Measurement(1, times, spec) for spec, times in tasks.items()]

    def __str__(self):
        length, unit = scale_of(self.median)

        def shown(seconds):
            return f"{rounded(seconds / length, max(self.significant_figures, 3)):.2f} {unit}"

        n, threads = len(self.raw_times), self.num_threads
        lines = [self.title]
        if self.description and self.description not in self.title:
            lines.append(self.description)
        if self.setup and self.setup != "pass":
            lines.append("setup:\n" + "\n".join("  " + line for line in self.setup.splitlines()) if "\n" in self.setup else f"setup: {self.setup}")
        if n == 1:
            lines.append("  " + shown(self.median))
        else:
            lines.append("  Median: " + shown(self.median))
            if n >= 4:
                low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
                lines.append(f"  IQR:    {shown(self.iqr)} ({low / length:.2f} to {high / length:.2f})")
        lines.append(f"  {n} measurement{'s' if n > 1 else ''}, {self.number_per_run} runs {'per measurement' if n > 1 else ''}, "
                     f"{threads} thread{'s' if threads > 1 else ''}")
        if self.has_warnings:
            lines.append(f"  WARNING: the interquartile range is {self.iqr / self.median * 100:.1f}% of the median: something else may be running here")
        return "\n".join(lines)

    def __repr__(self):
        return f"{object.__repr__(self)}\n{self}"
