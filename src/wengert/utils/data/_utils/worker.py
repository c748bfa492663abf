"""What a worker process of a loader does, and what it says of itself."""
import os
import random
import sys
import traceback
from dataclasses import dataclass

from .... import manual_seed, set_num_threads
from .channel import Channel
from .fetch import IterableFetcher, make_fetcher

__all__ = ["Ended", "WorkerFailure", "WorkerInfo", "get_worker_info", "worker_loop"]

#: Seconds after which a worker looks whether the loader's process is still there.
_PATIENCE = 5

_info = None


@dataclass(frozen=True)
class WorkerInfo:
    """What `get_worker_info` tells in a worker.

    Attributes:
        id, num_workers (int): which worker this is, of how many.
        seed (int): of the random streams of this process.
        dataset: this process's copy of the data set.
        rng, worker_method: as PyTorch's: None, and how the worker runs.
    """

    id: int
    num_workers: int
    seed: int
    dataset: object
    rng: object = None
    worker_method: str = "multiprocessing"


def get_worker_info():
    """The `WorkerInfo` of the worker process this is, or None in the program's own process."""
    return _info


class WorkerFailure:
    """An exception on its way out of a worker: its class, if that can be sent, and its traceback as text."""

    def __init__(self, error, worker_id):
        self.kind, self.worker_id = type(error), worker_id
        self.name = type(error).__name__
        self.text = "".join(traceback.format_exception(error))

    def reraise(self):
        """Raises the exception anew, its message beginning with where it comes from."""
        message = f"Caught {self.name} in DataLoader worker process {self.worker_id}.\nOriginal {self.text}"
        if self.kind is KeyError:
            message = _Shown(message)
        try:
            error = self.kind(message=message) if getattr(self.kind, "message", None) else self.kind(message)
        except Exception:                                   # it takes other arguments than one text
            raise RuntimeError(message) from None
        raise error


class _Shown(str):
    """KeyError prints the repr of what it is given: this text's is itself."""

    __repr__ = str.__str__


class Ended:
    """In the place of a batch: this worker's copy of an IterableDataset has no more samples."""


def _seed(base_seed, worker_id):
    """Starts the random streams of this process where PyTorch's workers start them; returns the seed of the first two."""
    import numpy.random
    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    words = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    numpy.random.seed(numpy.random.SeedSequence(words).generate_state(4))
    return seed


def _send(channel, slot, label, value, worker_id):
    """Sends an answer, or what is wrong with it."""
    try:
        channel.send(slot, label, value)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:
        failure = value if isinstance(value, WorkerFailure) else WorkerFailure(error, worker_id)
        if failure is value:                                # its class is known to this process only
            failure.kind = RuntimeError
        channel.send(slot, label, failure)


def _messages(channel):
    """What the loader sends; all that has come is read before the first of it is handed out, so that the end overtakes tasks."""
    parent, read = os.getppid(), []
    while True:
        while read and not channel.connection.poll():
            yield read.pop(0)
        while not read and not channel.connection.poll(_PATIENCE):
            if os.getppid() != parent:
                return
        message = channel.receive()
        if message[1] is None:
            return
        read.append(message)


def worker_loop(connection, slots, fetching, base_seed, init_fn, worker_id, num_workers, others):
    """Answers tasks until told to end.

    Args:
        connection, slots: of the channel. fetching (tuple): the arguments of `make_fetcher`.
        others: connections of the loader's that a fork copied; closed, so that each pipe has two ends.
    """
    global _info
    for other in others:
        other.close()
    try:
        set_num_threads(1)
        _info = WorkerInfo(worker_id, num_workers, _seed(base_seed, worker_id), fetching[0])
        channel, fetch, failure = Channel(connection, slots), None, None
        try:
            if init_fn is not None:
                init_fn(worker_id)
            fetch = make_fetcher(*fetching)
        except Exception as error:
            failure = WorkerFailure(error, worker_id)
        epoch = 0
        for slot, label, index in _messages(channel):
            value = failure
            if value is None:
                try:
                    if label[0] != epoch:                   # a new epoch of a worker that stayed
                        epoch, fetch = label[0], make_fetcher(*fetching)
                    value = fetch(index)
                except Exception as error:
                    if isinstance(error, StopIteration) and isinstance(fetch, IterableFetcher):
                        fetch.ended, value = True, Ended()
                    else:
                        value = WorkerFailure(error, worker_id)
            _send(channel, slot, label, value, worker_id)
            del value, index
    except (KeyboardInterrupt, BrokenPipeError, ConnectionResetError, EOFError):
        sys.exit(0)                                         # the loader's process is told by itself, or gone
