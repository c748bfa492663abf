"""What goes between a loader and one of its workers.

Messages are small and go through a pipe. What is larger (the indices of a task, the memory of a batch's tensors) lies in a
*slot*, an anonymous file in memory that both processes have open: the sender writes into it, the message says how much. A slot
belongs to one task from the moment it is sent until its answer is read, and there are so few slots that the messages under way
always fit into the pipe: neither side ever waits for the other to read.
"""
import io
import os
import pickle
import tempfile
from multiprocessing.reduction import DupFd, ForkingPickler

from .... import empty, uint8

__all__ = ["Channel", "Slots"]

_PIPE = 4096                # bytes that the pipe of any system takes, with some to spare
_ALIGNMENT = 64


def _memory_file():
    if hasattr(os, "memfd_create"):
        return os.memfd_create("wengert_batch", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(fd, data, offset):
    """All of ``data``: one call writes 2 GB at most."""
    data = memoryview(data).cast("B")
    while data:
        n = os.pwrite(fd, data, offset)
        data, offset = data[n:], offset + n


def _read(fd, size, offset):
    """A row of ``size`` bytes from the file, as a tensor."""
    memory = empty((size,), dtype=uint8)
    rest = memoryview(memory).cast("B")
    while rest:
        n = os.preadv(fd, [rest], offset)
        if n == 0:
            raise EOFError("a batch was cut short")
        rest, offset = rest[n:], offset + n
    return memory


class Slots:
    """The files of one worker, which a started process takes along."""

    def __init__(self, count):
        self.files = [_memory_file() for _ in range(count)]
        self.owner = os.getpid()

    def __getstate__(self):
        return [DupFd(fd) for fd in self.files]             # to a process that did not fork

    def __setstate__(self, state):
        self.files = [fd.detach() for fd in state]
        self.owner = os.getpid()

    def __len__(self):
        return len(self.files)

    def close(self):
        """Gives the memory back."""
        if self.owner == os.getpid():
            for fd in self.files:
                os.close(fd)
        self.files = []


class Channel:
    """One end: sends and receives objects with the number of a slot.

    Args:
        connection: an end of ``Pipe(duplex=True)``.
        slots (Slots): those of this worker.
    """

    def __init__(self, connection, slots):
        self.connection, self.slots = connection, slots
        self._inline = _PIPE // len(slots)

    def send(self, slot, label, value):
        """Sends ``value``; ``label`` (a small tuple of numbers) goes with it.

        Raises:
            Exception: it cannot be pickled. Nothing was sent then.
        """
        text, buffers = io.BytesIO(), []
        ForkingPickler(text, 5, True, buffers.append).dump(value)
        text = text.getbuffer()
        if not buffers and len(text) <= self._inline:
            self.connection.send_bytes(pickle.dumps((slot, label, bytes(text), ())))
            return
        fd, offset, sizes = self.slots.files[slot], 0, []
        for data in (text, *(b.raw() for b in buffers)):
            _write(fd, data, offset)
            sizes.append(data.nbytes)
            offset += -(-data.nbytes // _ALIGNMENT) * _ALIGNMENT
        table = pickle.dumps(sizes)
        _write(fd, table, offset)
        self.connection.send_bytes(pickle.dumps((slot, label, None, (offset, len(table)))))

    def receive(self):
        """(slot, label, value) of the next message.

        Raises:
            EOFError: the other side is gone. Exception: of unpickling.
        """
        slot, label, text, table = pickle.loads(self.connection.recv_bytes())
        if text is not None:
            return slot, label, pickle.loads(text)
        fd, offset, parts = self.slots.files[slot], 0, []
        for size in pickle.loads(memoryview(_read(fd, table[1], table[0]))):
            parts.append(_read(fd, size, offset))
            offset += -(-size // _ALIGNMENT) * _ALIGNMENT
        return slot, label, pickle.loads(memoryview(parts[0]), buffers=parts[1:])
