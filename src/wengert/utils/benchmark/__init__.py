"""Timing of small pieces of code: `Timer` runs a statement, `Measurement` holds its times, `Compare` prints a table of several.

There are no counts of instructions: run the program under valgrind for those.
"""
from timeit import default_timer as timer

from .compare import Compare
from .measurement import Measurement, TaskSpec
from .timer import Timer

__all__ = ["Compare", "Measurement", "TaskSpec", "Timer", "timer"]
