"""Measurements side by side."""
from .measurement import Measurement, rounded, scale_of

__all__ = ["Compare"]

_BEST, _GOOD, _BAD, _WORST, _END = "\033[92m\033[1m", "\033[92m", "\033[91m", "\033[91m\033[1m", "\033[0m"


class Compare:
    """A table for each label: lines are (number of threads, sub_label), columns descriptions; times are medians.

    Args:
        results (list of Measurement): those of equal tasks are merged.
    """

    def __init__(self, results):
        self._results = []
        self._trim = self._colour = self._highlight = False
        self.extend_results(results)

    def extend_results(self, results):
        """Adds measurements.

        Raises:
            ValueError: no Measurement.
        """
        for result in results:
            if not isinstance(result, Measurement):
                raise ValueError(f"Expected an instance of `Measurement`, got {type(result)} instead.")
        self._results.extend(results)

    def trim_significant_figures(self):
        """Prints no more digits than the spread of the times allows."""
        self._trim = True

    def colorize(self, rowwise=False):
        """Colours the best and worst times of a column, or of a line."""
        self._colour, self._rowwise = True, rowwise

    def highlight_warnings(self):
        """Marks times whose interquartile range is large with "(!)"."""
        self._highlight = True

    def print(self):
        """Prints the tables."""
        print(str(self))

    def __str__(self):
        groups = {}
        for m in Measurement.merge(self._results):
            groups.setdefault(m.label, []).append(m)
        return "\n".join(self._table(label, results) for label, results in groups.items())

    def _table(self, label, results):
        length, unit = scale_of(min(m.median for m in results))
        columns = list(dict.fromkeys((m.env, m.description) for m in results))
        lines = list(dict.fromkeys((m.num_threads, m.as_row_name) for m in results))
        lines.sort(key=lambda line: line[0])                       # stable: else in the order of their coming
        cells = {(m.num_threads, m.as_row_name, m.env, m.description): m for m in results}
        grid = [[cells.get((*line, *column)) for column in columns] for line in lines]
        digits = 1 if all(m.median / length < 1000 for m in results) else 0
        texts = [[self._cell(m, length, digits) for m in row] for row in grid]
        heads = [(f"{env}: " if env else "") + (description or "") for env, description in columns]
        widths = [max(len(text) for text in column) + 2 for column in zip(heads, *texts)]
        names = [f"      {name}" for _, name in lines]
        first = max(len(name) for name in names) + 2
        whole = first + sum(widths) + 3 * len(widths)
        title = f" {label} " if label else ""
        out = [f"[{title.center(max(whole - 2, len(title) + 2), '-')}]", " " * first + "".join(f" | {head.center(w)}" for head, w in zip(heads, widths))]
        threads = None
        for (n, _), name, row, shown in zip(lines, names, grid, texts):
            if n != threads:
                threads = n
                out.append(f"{n} threads: ".ljust(max(whole, 12), "-"))
            padded = [text.center(w) for text, w in zip(shown, widths)]
            out.append(name.ljust(first) + "".join(f" | {text}" for text in self._coloured(grid, row, padded)))
        return "\n".join([*out, "", f"Times are in {_NAMES[unit]} ({unit}).\n"])

    def _cell(self, m, length, digits):
        if m is None:
            return ""
        time = rounded(m.median / length, m.significant_figures) if self._trim else m.median / length
        text = f"{time:.{0 if self._trim and time == int(time) else digits}f}"
        return f"(!) {text}" if self._highlight and m.has_warnings else text

    def _coloured(self, grid, row, texts):
        if not self._colour:
            return texts
        out = []
        for i, (m, text) in enumerate(zip(row, texts)):
            if m is not None:
                times = [other.median for other in (row if self._rowwise else [line[i] for line in grid]) if other is not None]
                best = min(times)
                ratio = m.median / best
                code = _BEST if ratio <= 1.05 else _GOOD if ratio <= 1.25 else _WORST if ratio >= 5 else _BAD if ratio >= 2 else ""
                text = f"{code}{text}{_END}" if code else text
            out.append(text)
        return out


_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
