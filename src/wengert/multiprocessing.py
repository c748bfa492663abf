"""torch.multiprocessing: the standard library's, with `spawn`.

Tensors sent to another process arrive as copies. Memory that a forked process inherits is its own too, as soon as it is
written to.
"""
import multiprocessing as _standard
from multiprocessing import *  # noqa: F401, F403

__all__ = [*_standard.__all__, "spawn", "start_processes", "ProcessContext", "SpawnContext", "ProcessRaisedException",
           "ProcessExitedException", "set_sharing_strategy", "get_sharing_strategy", "get_all_sharing_strategies"]


def get_all_sharing_strategies():
    """The one strategy's name."""
    return {"file_system"}


def get_sharing_strategy():
    """The one strategy's name."""
    return "file_system"


def set_sharing_strategy(new_strategy):
    """Accepts PyTorch's names."""
    if new_strategy not in ("file_system", "file_descriptor"):
        raise AssertionError(f"invalid sharing strategy: {new_strategy!r}")


class ProcessRaisedException(Exception):
    """A process that `spawn` started raised."""

    def __init__(self, msg, error_index, error_pid):
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, error_pid


class ProcessExitedException(Exception):
    """A process that `spawn` started ended with another status than 0."""

    def __init__(self, msg, error_index, error_pid, exit_code):
        super().__init__(msg)
        self.msg, self.error_index, self.pid, self.exit_code = msg, error_index, error_pid, exit_code


def _run(fn, i, args, errors):
    """What a started process does."""
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass
    except Exception:
        import sys
        import traceback
        errors.put(traceback.format_exc())
        sys.exit(1)


class ProcessContext:
    """Processes that were started together."""

    def __init__(self, processes, error_queues):
        self.processes, self.error_queues, self._done = processes, error_queues, set()

    def pids(self):
        """Their ids."""
        return [process.pid for process in self.processes]

    def join(self, timeout=None, grace_period=None):
        """Waits until one fails or all are done, or for ``timeout`` seconds. Returns: are all done?

        Raises:
            ProcessRaisedException, ProcessExitedException: one failed; the others were ended.
        """
        from multiprocessing.connection import wait
        running = {process.sentinel: (i, process) for i, process in enumerate(self.processes) if i not in self._done}
        while running:
            ready = wait(running, timeout)
            for sentinel in ready:
                i, process = running.pop(sentinel)
                process.join()
                self._done.add(i)
                if process.exitcode:
                    self._fail(i, process)
            if timeout is not None:
                break
        return not running

    def _fail(self, i, process):
        for other in self.processes:
            if other.is_alive():
                other.terminate()
        for other in self.processes:
            other.join()
        if not self.error_queues[i].empty():
            raise ProcessRaisedException(f"\n\n-- Process {i} terminated with the following error:\n{self.error_queues[i].get()}", i, process.pid)
        raise ProcessExitedException(f"process {i} terminated with exit code {process.exitcode}", i, process.pid, process.exitcode)


SpawnContext = ProcessContext


def start_processes(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """Runs ``fn(i, *args)`` in ``nprocs`` processes, i counting them; waits for them unless ``join`` is False.

    Returns:
        None, or the ProcessContext to join.
    """
    context = _standard.get_context(start_method)
    processes, queues = [], []
    for i in range(nprocs):
        queues.append(context.SimpleQueue())
        processes.append(context.Process(target=_run, args=(fn, i, args, queues[-1]), daemon=daemon))
        processes[-1].start()
    started = ProcessContext(processes, queues)
    if not join:
        return started
    started.join()


def spawn(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """`start_processes`."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)
