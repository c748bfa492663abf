"""torch.profiler: how long operations, the records of a backward sweep, optimizer steps and labelled blocks took.

Operations are timed where Python calls them (functions made of others count as one), so with Python's own cost in it; while
nothing is profiled nothing is timed. `cProfile` shows Python's part more closely, perf the compiled one.
"""
import contextlib
import enum
import functools
import gzip
import json
import os
import socket
import threading
import time
import warnings

from . import _core
from .overrides import TorchFunctionMode

__all__ = ["DeviceType", "EventList", "FunctionEvent", "FunctionEventAvg", "ProfilerAction", "ProfilerActivity", "kineto_available", "profile",
           "record_function", "schedule", "supported_activities", "tensorboard_trace_handler"]


class ProfilerActivity(enum.Enum):
    """What could be profiled; there is the CPU only."""
    CPU, XPU, MTIA, CUDA, HPU, PrivateUse1 = range(6)


class ProfilerAction(enum.Enum):
    """What a profile does during a step."""
    NONE, WARMUP, RECORD, RECORD_AND_SAVE = range(4)


class DeviceType(enum.Enum):
    """Where an event took place."""
    CPU, CUDA = range(2)


def supported_activities():
    """The CPU's."""
    return {ProfilerActivity.CPU}


def kineto_available():
    """False: that is PyTorch's tracer."""
    return False


# ---- recording ----

_running = []                                               # profiles that record now
_turning = threading.Lock()                                 # held while one of them begins or ends
_open = threading.local()                                   # .events: of this thread, that have not ended


class FunctionEvent:
    """One call.

    Attributes:
        name (str), input_shapes (list): what was called with what. trace_name (str): in traces, with the number of a step. start, end: nanoseconds. parent: the event it is part of, or None.
        thread (int): where. is_user_annotation (bool): a label. memory (int): bytes of tensors more than before.
    """

    def __init__(self, name, label=False, shapes=None):
        self.trace_name = name
        self.name = self.key = "ProfilerStep*" if name.startswith("ProfilerStep#") else name
        self.is_user_annotation, self.input_shapes, self.thread = label, shapes or [], threading.get_native_id()
        self.parent, self.children, self.memory, self.inner_memory, self.start, self.end = None, 0, 0, 0, 0, 0

    device_type, count = DeviceType.CPU, 1
    cpu_memory_usage = property(lambda self: self.memory, doc="Bytes.")
    self_cpu_memory_usage = property(lambda self: self.memory - self.inner_memory, doc="Bytes not of events within it.")
    cpu_time_total = cpu_time = property(lambda self: (self.end - self.start) / 1000, doc="Microseconds.")
    self_cpu_time_total = property(lambda self: (self.end - self.start - self.children) / 1000, doc="Microseconds not spent in events within it.")

    def __repr__(self):
        return f"<FunctionEvent name={self.name} cpu_time={_time(self.cpu_time)} input_shapes={self.input_shapes}>"


@contextlib.contextmanager
def _timed(name, label=False, shapes=None):
    """An event of all that runs inside."""
    if not _running:
        yield
        return
    event, outer = FunctionEvent(name, label, shapes), getattr(_open, "event", None)
    event.parent, _open.event = outer, event
    memory = any(p.profile_memory for p in list(_running))
    before = _core.memory_stats()["live_bytes"] if memory else 0
    event.start = time.perf_counter_ns()
    try:
        yield
    finally:
        event.end = time.perf_counter_ns()
        if memory:
            event.memory = _core.memory_stats()["live_bytes"] - before
        if outer is not None:
            outer.children += event.end - event.start
            outer.inner_memory += event.memory
        _open.event = outer
        for p in list(_running):
            p._events.append(event)


_NAMES = {"plain_get_item": "__getitem__", "plain_set_item": "__setitem__"}


def _shapes(args):
    return [list(a.shape) if isinstance(a, _core.Tensor) else [] for a in args]


class _Calls(TorchFunctionMode):
    """Times what Python calls."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", str(func))
        with _timed("aten::" + _NAMES.get(name, name), shapes=_shapes(args) if any(p.record_shapes for p in list(_running)) else None):
            return func(*args, **(kwargs or {}))


class _Steps:
    """Times optimizers' steps, by hooks. No hook tells of a step that raises: it ends with the next one around it, or with the profile."""

    def __init__(self):
        from .optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
        self._local = threading.local()
        self.handles = register_optimizer_step_pre_hook(self.begin), register_optimizer_step_post_hook(self.end)

    @property
    def open(self):
        """Steps of this thread that have not ended, with their events: events nest within a thread."""
        return self._local.__dict__.setdefault("open", [])

    def begin(self, optimizer, args, kwargs):
        self.end(optimizer)
        event = _timed(f"Optimizer.step#{type(optimizer).__name__}.step", True)
        self.open.append((optimizer, event))
        event.__enter__()

    def end(self, optimizer, *_):
        if any(o is optimizer for o, _ in self.open):
            while self.close() is not optimizer:
                pass

    def close(self):
        """Ends the innermost step; returns whose it was."""
        optimizer, event = self.open.pop()
        event.__exit__(None, None, None)
        return optimizer

    def remove(self):
        while self.open:
            self.close()
        for handle in self.handles:
            handle.remove()


def _derivative(name):
    return _timed("autograd::engine::evaluate_function: " + name)


class record_function(contextlib.ContextDecorator):
    """A label for a block, or for a function: an event of a running profile.

    Args:
        name (str), args (str): the label, and what is shown of its arguments.
    """

    def __init__(self, name, args=None):
        self.name, self.args = name, args

    def __enter__(self):
        self._event = _timed(self.name, True)
        self._event.__enter__()
        return self

    def __exit__(self, *exc):
        self._event.__exit__(None, None, None)

    def __call__(self, function):
        @functools.wraps(function)
        def labelled(*args, **kwargs):
            with record_function(self.name, self.args):
                return function(*args, **kwargs)
        return labelled


# ---- results ----

def _time(microseconds):
    """With a unit."""
    for size, unit in ((1e6, "s"), (1e3, "ms")):
        if microseconds >= size:
            return f"{microseconds / size:.3f}{unit}"
    return f"{microseconds:.3f}us"


def _memory(n):
    for size, unit in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if abs(n) >= size:
            return f"{n / size:.2f} {unit}"
    return f"{n} B"


class FunctionEventAvg:
    """The calls of one name (and one list of shapes) together.

    Attributes:
        key, count, cpu_time_total, self_cpu_time_total, cpu_time (of one call), cpu_memory_usage, self_cpu_memory_usage, input_shapes. Times
        are in microseconds. Those of other devices are 0.
    """

    device_time = device_time_total = self_device_time_total = cuda_time = cuda_time_total = self_cuda_time_total = 0
    device_memory_usage = self_device_memory_usage = cuda_memory_usage = self_cuda_memory_usage = flops = 0
    device_type, use_device = DeviceType.CPU, None

    def __init__(self, key, shapes):
        self.key, self.input_shapes = key, shapes
        self.count = self.cpu_time_total = self.self_cpu_time_total = self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.is_user_annotation = False

    def add(self, event):
        """Counts one more."""
        self.count += 1
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        self.cpu_memory_usage += event.memory
        self.self_cpu_memory_usage += event.self_cpu_memory_usage
        self.is_user_annotation = event.is_user_annotation
        return self

    cpu_time = property(lambda self: self.cpu_time_total / self.count if self.count else 0.0, doc="Microseconds a call.")
    cpu_time_str = property(lambda self: _time(self.cpu_time), doc="With a unit.")
    cpu_time_total_str = property(lambda self: _time(self.cpu_time_total), doc="With a unit.")
    self_cpu_time_total_str = property(lambda self: _time(self.self_cpu_time_total), doc="With a unit.")

    def __repr__(self):
        return (f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} cpu_time={self.cpu_time_str}  self_cuda_time=0.000us "
                f"cuda_time=0.000us input_shapes={self.input_shapes or ''} cpu_memory_usage={self.cpu_memory_usage} cuda_memory_usage=0>")


class EventList(list):
    """Events, or averages of them, that print as a table."""

    def __init__(self, events=(), profile_memory=False):
        super().__init__(events)
        self._memory = profile_memory

    self_cpu_time_total = property(lambda self: sum(e.self_cpu_time_total for e in self), doc="Microseconds, of all.")

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False):
        """The calls of each name together; with ``group_by_input_shape``, of each name and shapes."""
        found = {}
        for event in self:
            key = event.name, str(event.input_shapes) if group_by_input_shape else ""
            found.setdefault(key, FunctionEventAvg(event.name, event.input_shapes if group_by_input_shape else [])).add(event)
        return EventList(found.values(), self._memory)

    def total_average(self):
        """All together."""
        total = FunctionEventAvg("Total", [])
        for e in self:
            total.count += e.count
            total.self_cpu_time_total += e.self_cpu_time_total
        total.cpu_time_total = total.self_cpu_time_total
        return total

    def table(self, sort_by=None, row_limit=100, max_src_column_width=75, max_name_column_width=55, max_shapes_column_width=80, header=None,
              top_level_events_only=False, time_unit=None):
        """A text with a line for each.

        Args:
            sort_by (str): an attribute such as "cpu_time_total" or "count", the largest first. row_limit (int): -1 for all.
            max_name_column_width (int): longer names are cut. header (str): a first line.
        """
        events = sorted(self, key=lambda e: getattr(e, sort_by), reverse=True) if sort_by else list(self)
        if top_level_events_only:
            events = [e for e in events if getattr(e, "parent", None) is None]
        shapes = any(e.input_shapes for e in events)
        width = min(max((len(e.key) for e in events), default=0) + 4, max_name_column_width)
        titles = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", *(["CPU Mem", "Self CPU Mem"] if self._memory else []), "# of Calls",
                  *(["Input Shapes"] if shapes else [])]
        widths = [width] + [12] * (len(titles) - 1 - shapes)
        if shapes:
            widths.append(min(max(len(str(e.input_shapes)) for e in events) + 4, max_shapes_column_width))
        rule = "  ".join("-" * w for w in widths) + "  "
        whole = self.self_cpu_time_total or 1

        def line(cells):
            return "  ".join((c if len(c) <= w else c[:w - 3] + "...").rjust(w) for c, w in zip(cells, widths)) + "  "

        lines = [*([header] if header else []), rule, line(titles), rule]
        for e in events[:row_limit if row_limit >= 0 else None]:
            lines.append(line([e.key, f"{100 * e.self_cpu_time_total / whole:.2f}%", _time(e.self_cpu_time_total), f"{100 * e.cpu_time_total / whole:.2f}%",
                               _time(e.cpu_time_total), _time(e.cpu_time), *([_memory(e.cpu_memory_usage), _memory(e.self_cpu_memory_usage)] if self._memory else []),
                               str(e.count), *([str(e.input_shapes)] if shapes else [])]))
        return "\n".join([*lines, rule, f"Self CPU time total: {_time(self.self_cpu_time_total)}", ""])

    def export_chrome_trace(self, path):
        """Writes the events for chrome://tracing and Perfetto, compressed where the path ends in .gz."""
        events = [{"ph": "X", "cat": "user_annotation" if e.is_user_annotation else "cpu_op", "name": e.trace_name, "pid": os.getpid(), "tid": e.thread,
                   "ts": e.start / 1000, "dur": (e.end - e.start) / 1000, "args": {"Input Dims": e.input_shapes} if e.input_shapes else {}} for e in self]
        with (gzip.open if str(path).endswith(".gz") else open)(path, "wt") as file:
            json.dump({"schemaVersion": 1, "traceEvents": events}, file)

    def __str__(self):
        return self.table()


# ---- profiles ----

def schedule(*, wait, warmup, active, repeat=0, skip_first=0, skip_first_wait=0):
    """A function from the number of a step to what a profile does then: after ``skip_first`` steps, in cycles of ``wait`` steps without,
    ``warmup`` whose events are dropped, and ``active`` recorded ones; ``repeat`` cycles, or endlessly.

    Raises:
        AssertionError: negative numbers, no active steps.
    """
    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError(f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), active={active} (need > 0), "
                             f"repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0).")
    if warmup == 0:
        warnings.warn("Profiler won't be using warmup, this can skew profiler results", stacklevel=2)

    def action(step):
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        length = wait + warmup + active
        if repeat and step // length >= repeat:
            return ProfilerAction.NONE
        at = step % length
        if at < wait:
            return ProfilerAction.NONE
        if at < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if at < length - 1 else ProfilerAction.RECORD_AND_SAVE
    return action


def tensorboard_trace_handler(dir_name, worker_name=None, use_gzip=False):
    """What a profile calls at its end: writes its trace into a folder, under a name of its own.

    Raises:
        RuntimeError: the folder cannot be made.
    """
    def write(prof):
        try:
            os.makedirs(dir_name, exist_ok=True)
        except OSError as error:
            raise RuntimeError("Can't create directory: " + str(dir_name)) from error
        name = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        prof.export_chrome_trace(os.path.join(dir_name, f"{name}.{time.time_ns()}.pt.trace.json" + (".gz" if use_gzip else "")))
    return write


_RECORDS = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


class profile:
    """Records events while it is entered, or from `start` to `stop`.

    Args:
        activities: ProfilerActivity.CPU, or more, of which there is nothing. schedule: which steps to record, see `schedule`; `step` then
            tells where one ends. on_trace_ready: called with this profile when a cycle, or all, is over.
        record_shapes (bool): keep the shapes of arguments. profile_memory (bool): count the bytes of tensors.
        with_stack, with_flops, with_modules, experimental_config, acc_events and the others: accepted; events say nothing of them.
    """

    def __init__(self, activities=None, schedule=None, on_trace_ready=None, record_shapes=False, profile_memory=False, with_stack=False,
                 with_flops=False, with_modules=False, experimental_config=None, execution_trace_observer=None, acc_events=False,
                 use_cuda=None, custom_trace_id_callback=None, *, enabled=True, **others):
        self.activities = set(activities) if activities else supported_activities()
        if not self.activities <= set(ProfilerActivity):
            raise TypeError(f"activities are ProfilerActivity's, not {activities}")
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.on_trace_ready, self.record_shapes, self.profile_memory, self.acc_events = on_trace_ready, record_shapes, profile_memory, acc_events
        self.record_steps, self.enabled, self.step_num, self._events = schedule is not None, enabled, 0, []
        self._mode, self._label, self._steps, self.current_action = None, None, None, ProfilerAction.NONE

    def start(self):
        """Begins with step 0."""
        if self.enabled:
            self._turn_to(self.schedule(self.step_num))

    def stop(self):
        """Ends; what was recorded stays."""
        recorded = self.current_action in _RECORDS
        self._turn_to(ProfilerAction.NONE)
        if recorded and self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def step(self):
        """Ends a step, and begins the next."""
        saved = self.current_action is ProfilerAction.RECORD_AND_SAVE
        self.step_num += 1
        if saved:
            self._turn_to(ProfilerAction.NONE)
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
        self._turn_to(self.schedule(self.step_num))

    def toggle_collection_dynamic(self, enable, activities):
        """Ends or begins the recording of some activities, until the next call or the next cycle of the schedule."""
        if ProfilerActivity.CPU in set(activities) and self.current_action in _RECORDS:
            self._collect(enable)

    def _collect(self, enable):
        if self._mode is not None and not enable:
            self._mode.__exit__(None, None, None)
            self._steps.remove()
            self._mode = None
            with _turning:
                _running.remove(self)
                if not _running:
                    _core._set_sweep_timer(None)
        elif self._mode is None and enable:
            with _turning:
                _running.append(self)
                _core._set_sweep_timer(_derivative)
            self._steps, self._mode = _Steps(), _Calls().__enter__()

    def _turn_to(self, action):
        self._end_label()
        before, self.current_action = self.current_action, action
        if action not in _RECORDS:
            self._collect(False)
        elif before not in _RECORDS:
            if not self.acc_events:
                self._events = []
            self._collect(True)
        if self._mode is not None and self.record_steps:
            self._label = record_function(f"ProfilerStep#{self.step_num}").__enter__()

    def _end_label(self):
        if self._label is not None:
            self._label.__exit__()
            self._label = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def events(self):
        """The events, in order of their beginnings."""
        return EventList(sorted(self._events, key=lambda e: e.start), self.profile_memory)

    function_events = property(events, doc="The events.")
    self_cpu_time_total = property(lambda self: self.events().self_cpu_time_total, doc="Microseconds, of all.")

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False):
        """See `EventList.key_averages`."""
        return self.events().key_averages(group_by_input_shape)

    def total_average(self):
        """All together."""
        return self.events().total_average()

    def table(self, *args, **kwargs):
        """Of the averages; see `EventList.table`."""
        return self.key_averages().table(*args, **kwargs)

    def export_chrome_trace(self, path):
        """See `EventList.export_chrome_trace`."""
        self.events().export_chrome_trace(path)

    def export_stacks(self, path, metric="self_cpu_time_total"):
        """Raises: events have no stacks."""
        raise NotImplementedError("export_stacks(): wengert's events have no stacks; Python's cProfile shows callers")

    def add_metadata(self, key, value):
        """Accepted: traces hold events only."""

    add_metadata_json = add_metadata
