"""An epoch whose batches worker processes make."""
import collections
import itertools
import multiprocessing
import os
import signal
import sys
import time
import warnings
from multiprocessing.connection import wait
from pickle import PicklingError

import numpy.random  # noqa: F401  (its random stream is a worker's too: imported here once, not in each process that forks off)

from ... import empty, int64
from ._utils.channel import Channel, Slots
from ._utils.worker import Ended, WorkerFailure, worker_loop

__all__ = ["WorkerIterator"]

_PATIENCE = 5               # seconds for a worker to end when told to
_SLOTS = 32                 # tasks under way to one worker, whatever it is to make ahead: each holds a file open, and the pipe holds them all


class _Worker:
    """The loader's side of one worker.

    Attributes:
        waiting: tasks not sent yet, as all slots are in use. tasks (int): those sent or waiting whose batch is not handed out.
        active (bool): it has samples left in this epoch.
    """

    def __init__(self, context, number, slots, arguments, others):
        own, its = context.Pipe(duplex=True)
        self.slots = Slots(slots)
        self.channel, self.free = Channel(own, self.slots), list(range(slots))
        self.waiting, self.tasks, self.active, self.told = collections.deque(), 0, True, False
        fork = context.get_start_method() == "fork"
        fetching, base_seed, init_fn, count = arguments
        self.process = context.Process(target=worker_loop, daemon=True, args=(
            its, self.slots, fetching, base_seed, init_fn, number, count, [own, *others] if fork else []))
        try:
            self.process.start()
        except BaseException:
            own.close()
            self.slots.close()
            raise
        finally:
            its.close()
        self.connection = own

    def put(self, label, index):
        """Sends a task, now or when a slot is free."""
        self.waiting.append((label, index))
        self.flush()

    def flush(self):
        while self.waiting and self.free:
            label, index = self.waiting.popleft()
            slot = self.free.pop()
            try:
                self.channel.send(slot, label, index)
            except (BrokenPipeError, ConnectionResetError):
                return                                      # it died: receiving says so

    def tell_end(self):
        """Asks it to end after the sample it is at."""
        if not self.told:
            self.told = True
            self.waiting.clear()
            try:
                self.channel.send(0, None, None)
            except (BrokenPipeError, ConnectionResetError, OSError):
                pass                                        # it has ended already


class WorkerIterator:
    """Hands out the batches that the workers of a loader make.

    Task k goes to the next worker in turn that has samples left; ``prefetch_factor`` tasks a worker are drawn ahead, 32 of them at
    most under way. Batches come in the order of the tasks, unless ``in_order`` is False.
    """

    def __init__(self, loader):
        self._workers, self._owner = [], os.getpid()
        if loader.prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        self._loader, self._persistent = loader, loader.persistent_workers
        self._ahead = loader.prefetch_factor * loader.num_workers
        self._epoch = -1
        iter(loader._index_sampler)                         # PyTorch asks for it here too; some samplers draw when asked
        base_seed = int(empty((), dtype=int64).random_(generator=loader.generator).item())
        context = loader.multiprocessing_context or multiprocessing.get_context()
        arguments = (loader._fetching(), base_seed, loader.worker_init_fn, loader.num_workers)
        for number in range(loader.num_workers):
            others = [worker.connection for worker in self._workers]
            try:
                self._workers.append(_Worker(context, number, min(loader.prefetch_factor, _SLOTS), arguments, others))
            except (TypeError, AttributeError, PicklingError):
                warnings.warn("Got pickle error when attempting to start a worker Process. This might be because the worker Process "
                              "arguments are not picklable. Python 3.14+ changed the multiprocessing start method in non-Mac POSIX "
                              "platforms to 'forkserver', which requires the worker Process arguments to be picklable. You can also "
                              "try multiprocessing.set_start_method('fork').", stacklevel=4)
                raise
        self.begin()

    @property
    def ended(self):
        """Are there no workers any more, as all was handed out or one of them died?"""
        return not self._workers

    def begin(self):
        """Starts an epoch; what workers still make for the last one is dropped when it comes."""
        self._epoch += 1
        self._indices = iter(self._loader._index_sampler)
        self._sent = self._next = 0                         # numbers of the next task to send, and of the next to hand out
        self._assigned, self._arrived = {}, {}              # task -> its worker, while it is under way; -> what came of it
        self._turn = itertools.cycle(self._workers)
        for worker in self._workers:
            worker.waiting.clear()
            worker.tasks, worker.active = 0, True
        for _ in range(self._ahead):
            self._put_next()

    def _put_next(self):
        """Gives the next index, if there is one, to the next worker that takes it."""
        try:
            index = next(self._indices)
        except StopIteration:
            return
        active = sum(worker.active for worker in self._workers)
        for worker in itertools.islice(self._turn, len(self._workers)):
            if worker.active and (self._loader.in_order or worker.tasks < self._ahead // active):
                break
        else:
            return
        self._assigned[self._sent] = worker
        worker.tasks += 1
        worker.put((self._epoch, self._sent), index)
        self._sent += 1

    def __iter__(self):
        return self

    def __len__(self):
        return len(self._loader._index_sampler)

    def __next__(self):
        while True:
            # tasks of workers that had no samples left for them have no batch
            while self._next < self._sent and self._next not in self._arrived and not (
                    self._next in self._assigned and self._assigned[self._next].active):
                self._assigned.pop(self._next, None)
                self._next += 1
            if self._next == self._sent:
                if not self._persistent:
                    self.close()
                raise StopIteration
            if self._next in self._arrived:
                worker, value = self._arrived.pop(self._next)
                self._next += 1
                return self._hand_out(worker, value)
            task, worker, value = self._receive()
            if isinstance(value, Ended):
                worker.active = False
                if not self._persistent:
                    worker.tell_end()
                self._put_next()
            elif self._loader.in_order or task == self._next:
                self._arrived[task] = worker, value
            else:
                return self._hand_out(worker, value)

    def _hand_out(self, worker, value):
        worker.tasks -= 1
        self._put_next()
        if isinstance(value, WorkerFailure):
            value.reraise()
        return value

    def _receive(self):
        """(task, worker, what came of it), when the next answer for this epoch comes."""
        timeout = self._loader.timeout
        end = time.monotonic() + timeout if timeout > 0 else None
        by_connection = {worker.connection: worker for worker in self._workers}
        by_sentinel = {worker.process.sentinel: worker for worker in self._workers if not worker.told}
        while True:
            ready = wait([*by_connection, *by_sentinel], None if end is None else max(0, end - time.monotonic()))
            if not ready:
                raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
            for connection in ready:
                worker = by_connection.get(connection)
                if worker is None:
                    continue
                try:
                    slot, (epoch, task), value = worker.channel.receive()
                except (EOFError, ConnectionResetError):
                    if not worker.told:
                        self._died(worker)
                    del by_connection[connection]
                    continue
                worker.free.append(slot)
                worker.flush()
                if epoch == self._epoch and self._assigned.pop(task, None):     # else passed over: the worker had ended before
                    return task, worker, value
            for sentinel in ready:
                if sentinel in by_sentinel and not by_sentinel[sentinel].connection.poll():
                    self._died(by_sentinel[sentinel])

    def _died(self, worker):
        process = worker.process
        process.join(_PATIENCE)
        pid, code = process.pid, process.exitcode
        if code is not None and code < 0:
            cause = f"DataLoader worker (pid {pid}) is killed by signal: {signal.strsignal(-code)}. "
        else:
            cause = (f"DataLoader worker (pid {pid}) exited unexpectedly with exit code {code}. Details are lost due to multiprocessing. "
                     "Rerunning with num_workers=0 may give better error trace.")
        self.close()
        raise RuntimeError(f"DataLoader worker (pid(s) {pid}) exited unexpectedly") from RuntimeError(cause)

    def close(self):
        """Ends the workers. Nothing can be asked for afterwards."""
        workers, self._workers = self._workers, []
        if self._owner != os.getpid():                      # a process that forked off: they are not its children
            return
        self._sent = self._next = 0
        self._assigned, self._arrived = {}, {}
        for worker in workers:
            worker.tell_end()
        for worker in workers:
            worker.process.join(_PATIENCE)
            if worker.process.is_alive():
                worker.process.terminate()
                worker.process.join(_PATIENCE)
            worker.connection.close()
            worker.slots.close()

    def __del__(self):
        if not sys.is_finalizing():
            self.close()

    def __getstate__(self):
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)
