"""What programs ask of CUDA before they use the CPU: there is none."""


def is_available():
    """False."""
    return False


def device_count():
    """0."""
    return 0


def manual_seed(seed):
    """Nothing to seed."""


manual_seed_all = manual_seed


def empty_cache():
    """Nothing to empty."""


def is_initialized():
    """False."""
    return False


def _none(*args, **kwargs):
    """Raises: there is no such device."""
    raise RuntimeError("wengert computes on the CPU only; torch.cuda.is_available() is False")


synchronize = current_device = get_device_name = set_device = _none


def _zero(*args, **kwargs):
    """0: there is no memory of such a device."""
    return 0


memory_allocated = max_memory_allocated = memory_reserved = max_memory_reserved = memory_cached = max_memory_cached = _zero


def reset_peak_memory_stats(device=None):
    """Nothing to reset."""


def is_bf16_supported(including_emulation=True):
    """False."""
    return False


def get_rng_state_all():
    """[]: one state a device."""
    return []


def set_rng_state_all(new_states):
    """Nothing to set.

    Raises:
        RuntimeError: there are states, of devices that are not here.
    """
    if len(new_states):
        _none()


class _Absent:
    """What belongs to a device: raises."""

    def __init__(self, *args, **kwargs):
        _none()


class Event(_Absent):
    """Raises: there is no such device."""


class Stream(_Absent):
    """Raises: there is no such device."""


class OutOfMemoryError(RuntimeError):
    """What a device that is full would raise."""


class device:
    """A block on a device: without effect, as there is none."""

    def __init__(self, device):
        self.idx = -1

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


device_of = device


def stream(stream):
    """A block on a stream: without effect for None."""
    return _none() if stream is not None else device(None)


def seed():
    """Nothing to seed."""


seed_all = seed


def get_arch_list():
    """[]: kernels for no device."""
    return []


def memory_stats(device=None):
    """Empty."""
    from collections import OrderedDict
    return OrderedDict()


class _TensorType(type):
    """The type of torch.cuda.FloatTensor and its siblings: no tensor is one, and none can be made."""

    def __instancecheck__(cls, instance):
        return False

    def __call__(cls, *args, **kwargs):
        raise TypeError(f"type torch.cuda.{cls.__name__} not available. wengert computes on the CPU only.")


for _name in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"):
    globals()[_name + "Tensor"] = _TensorType(_name + "Tensor", (), {"__module__": "torch.cuda", "is_cuda": True,
                                                                     "__doc__": "The type of tensors that are not here."})
del _name

get_device_properties = get_device_capability = current_stream = mem_get_info = get_rng_state = set_rng_state = _none
init = ipc_collect = initial_seed = default_stream = set_stream = can_device_access_peer = memory_summary = memory_snapshot = _none


def __getattr__(name):
    if name == "amp":
        import importlib
        return importlib.import_module(".amp", __name__)
    raise AttributeError(f"module 'wengert.cuda' has no attribute '{name}'")
