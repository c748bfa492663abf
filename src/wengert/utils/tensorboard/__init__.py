"""torch.utils.tensorboard: `SummaryWriter`, whose files TensorBoard shows. Writing them needs no other package.

Note [Event files]: a file is a row of records: the length of the data (8 bytes), a checksum of the length, the data, a checksum of
the data. The data are Event messages in Protocol Buffers' wire format, of which the few kinds of fields used here are written
by hand: a number's key is field * 8 + wire type (0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes).
"""
import os
import struct
import time

__all__ = ["FileWriter", "SummaryWriter"]

_TABLE = []


def crc32c(data):
    """The Castagnoli checksum."""
    if not _TABLE:
        for byte in range(256):
            for _ in range(8):
                byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
            _TABLE.append(byte)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _masked(data):
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _varint(n):
    n &= (1 << 64) - 1                   # negative numbers are ten bytes long
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def _whole(field, n):
    return _varint(field << 3) + _varint(n)


def _double(field, x):
    return _varint(field << 3 | 1) + struct.pack("<d", x)


def _float(field, x):
    return _varint(field << 3 | 5) + struct.pack("<f", x)


def _bytes(field, data):
    data = data.encode() if isinstance(data, str) else data
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _doubles(field, values):
    return _bytes(field, struct.pack(f"<{len(values)}d", *values))


def _number(x):
    """A Python float of a number, an array or a tensor of one element."""
    x = x.item() if hasattr(x, "item") else x
    if not isinstance(x, (int, float)):
        raise NotImplementedError(f"Got {type(x)}, but numpy array or torch tensor are expected.")
    return float(x)


class FileWriter:
    """One event file.

    Args:
        log_dir (str): the folder, made if need be. max_queue (int): records held back at most. flush_secs (float): and for how long.
        filename_suffix (str): added to the name.
    """

    _made = 0

    def __init__(self, log_dir, max_queue=10, flush_secs=120, filename_suffix=""):
        import socket
        self.log_dir, self.max_queue, self.flush_secs = str(log_dir), max_queue, flush_secs
        os.makedirs(self.log_dir, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{FileWriter._made}{filename_suffix}"
        FileWriter._made += 1
        self._file = open(os.path.join(self.log_dir, name), "ab")
        self._held, self._flushed = 0, time.time()
        self._write(_double(1, time.time()) + _bytes(3, "brain.Event:2"))
        self.flush()

    def get_logdir(self):
        """The folder."""
        return self.log_dir

    def _write(self, event):
        length = struct.pack("<Q", len(event))
        self._file.write(length + _masked(length) + event + _masked(event))
        self._held += 1
        if self._held >= self.max_queue or time.time() - self._flushed > self.flush_secs:
            self.flush()

    def add_value(self, value, global_step=None, walltime=None):
        """Writes one Summary.Value message."""
        step = b"" if global_step is None else _whole(2, int(_number(global_step)))
        self._write(_double(1, time.time() if walltime is None else walltime) + step + _bytes(5, _bytes(1, value)))

    def flush(self):
        """Gives what is held back to the system."""
        self._file.flush()
        self._held, self._flushed = 0, time.time()

    def close(self):
        """Closes the file."""
        self._file.close()

    def reopen(self):
        """Opens the file again."""
        if self._file.closed:
            self._file = open(self._file.name, "ab")


class SummaryWriter:
    """Writes scalars, texts and histograms for TensorBoard.

    Args:
        log_dir (str): the folder; by default runs/ and the time and the machine's name. comment (str): added to that.
        purge_step: accepted. max_queue, flush_secs, filename_suffix: see `FileWriter`.
    """

    def __init__(self, log_dir=None, comment="", purge_step=None, max_queue=10, flush_secs=120, filename_suffix=""):
        if not log_dir:
            import socket
            log_dir = os.path.join("runs", time.strftime("%b%d_%H-%M-%S") + "_" + socket.gethostname() + comment)
        self.log_dir = str(log_dir)
        self._options = {"max_queue": max_queue, "flush_secs": flush_secs, "filename_suffix": filename_suffix}
        self.all_writers = {}
        self._get_file_writer()

    def _get_file_writer(self, folder=None):
        folder = folder or self.log_dir
        if folder not in self.all_writers:
            self.all_writers[folder] = FileWriter(folder, **self._options)
        self.all_writers[folder].reopen()
        self.file_writer = self.all_writers[self.log_dir]
        return self.all_writers[folder]

    def get_logdir(self):
        """The folder."""
        return self.log_dir

    def add_scalar(self, tag, scalar_value, global_step=None, walltime=None, new_style=False, double_precision=False):
        """One number of a curve."""
        self._get_file_writer().add_value(_bytes(1, tag) + _float(2, _number(scalar_value)), global_step, walltime)

    def add_scalars(self, main_tag, tag_scalar_dict, global_step=None, walltime=None):
        """One number for each of several curves of one plot, which take a folder each."""
        for tag, value in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, f"{main_tag.replace('/', '_')}_{tag}")
            self._get_file_writer(folder).add_value(_bytes(1, main_tag) + _float(2, _number(value)), global_step, walltime)

    def add_text(self, tag, text_string, global_step=None, walltime=None):
        """A text, which TensorBoard reads as Markdown."""
        tensor = _whole(1, 7) + _bytes(2, _bytes(2, _whole(1, 1))) + _bytes(8, text_string)          # DT_STRING, shape (1,)
        metadata = _bytes(1, _bytes(1, "text"))
        self._get_file_writer().add_value(_bytes(1, tag + "/text_summary") + _bytes(8, tensor) + _bytes(9, metadata), global_step, walltime)

    def add_histogram(self, tag, values, global_step=None, bins="tensorflow", walltime=None, max_bins=None):
        """The distribution of an array's elements; ``bins`` as numpy.histogram takes them, or "tensorflow": 30 of equal width.

        Raises:
            ValueError: there are none.
        """
        import numpy
        values = numpy.asarray(values.detach() if hasattr(values, "detach") else values, dtype=float).reshape(-1)
        if values.size == 0:
            raise ValueError("The input has no element.")
        counts, limits = numpy.histogram(values, bins=30 if bins == "tensorflow" else bins)
        histogram = b"".join(_double(i + 1, float(x)) for i, x in enumerate((values.min(), values.max(), values.size, values.sum(), values @ values)))
        histogram += _doubles(6, limits[1:].tolist()) + _doubles(7, counts.tolist())
        self._get_file_writer().add_value(_bytes(1, tag) + _bytes(5, histogram), global_step, walltime)

    def _not_written(self, *args, **kwargs):
        """Raises NotImplementedError: only scalars, texts and histograms are written."""
        raise NotImplementedError("wengert.utils.tensorboard writes scalars, texts and histograms: save figures and images with Matplotlib, "
                                  "hyperparameters with add_text")

    add_image = add_images = add_image_with_boxes = add_figure = add_video = add_audio = add_graph = add_embedding = add_pr_curve = _not_written
    add_mesh = add_hparams = add_tensor = add_custom_scalars = _not_written

    def flush(self):
        """Gives all that is held back to the system."""
        for writer in self.all_writers.values():
            writer.reopen()
            writer.flush()

    def close(self):
        """Closes all files; later calls open them again."""
        for writer in self.all_writers.values():
            writer.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
