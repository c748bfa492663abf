"""torch.distributed.nn: exchanges between processes that gradients pass through. Programs can import them; there is no process group."""
from . import get_rank

__all__ = ["all_gather", "all_reduce", "all_to_all", "all_to_all_single", "broadcast", "gather", "reduce", "reduce_scatter", "scatter"]

all_gather = all_reduce = all_to_all = all_to_all_single = broadcast = gather = reduce = reduce_scatter = scatter = get_rank
