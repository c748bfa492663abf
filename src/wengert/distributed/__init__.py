"""torch.distributed: not available, as it tells those who ask. Programs that run in one process unless told otherwise can import
its functions; called, they say that there are none."""

__all__ = ["is_available", "is_initialized", "is_torchelastic_launched", "is_nccl_available", "is_gloo_available", "is_mpi_available"]


def is_available():
    """False."""
    return False


is_initialized = is_torchelastic_launched = is_nccl_available = is_gloo_available = is_mpi_available = is_available


def init_process_group(*args, **kwargs):
    """Raises RuntimeError: there are no process groups."""
    raise RuntimeError("wengert has no process groups: torch.distributed.is_available() is False. Run one process, or average gradients "
                       "between processes with mpi4py (p.grad.numpy() shares memory)")


def get_rank(group=None):
    """Raises ValueError, as without a process group."""
    raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")


get_world_size = get_backend = barrier = all_reduce = all_gather = all_gather_into_tensor = broadcast = reduce = gather = scatter = get_rank
reduce_scatter = send = recv = isend = irecv = monitored_barrier = broadcast_object_list = all_gather_object = all_to_all = get_rank
destroy_process_group = new_group = get_rank


class ReduceOp:
    """How values of processes would be put together."""
    SUM, AVG, PRODUCT, MIN, MAX = "SUM", "AVG", "PRODUCT", "MIN", "MAX"


def __getattr__(name):
    if name == "nn":
        from importlib import import_module
        return import_module(".nn", __name__)
    if name.startswith("_"):
        raise AttributeError(f"module 'wengert.distributed' has no attribute '{name}'")
    raise AttributeError(f"wengert has no torch.distributed.{name}: torch.distributed.is_available() is False. Average gradients between "
                         "processes with mpi4py (p.grad.numpy() shares memory)")
