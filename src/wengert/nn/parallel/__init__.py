"""Modules spread over devices. There is one, the CPU: `DataParallel` calls its module, as PyTorch's does without GPUs."""
from ..modules import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]


class DataParallel(Module):
    """Holds a module as ``module`` and calls it; its ``state_dict`` keys begin with "module.", as PyTorch's do.

    Args:
        module (Module): what to call. device_ids, output_device, dim: accepted, there is nothing to spread over.
    """

    def __init__(self, module, device_ids=None, output_device=None, dim=0):
        super().__init__()
        self.module, self.device_ids, self.output_device, self.dim = module, [], None, dim

    def forward(self, *inputs, **kwargs):
        return self.module(*inputs, **kwargs)


def data_parallel(module, inputs, device_ids=None, output_device=None, dim=0, module_kwargs=None):
    """``module(*inputs, **module_kwargs)``."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*inputs, **(module_kwargs or {}))


class DistributedDataParallel(Module):
    """Raises RuntimeError: there are no process groups (see `torch.distributed`)."""

    def __init__(self, module, *args, **kwargs):
        from ...distributed import init_process_group
        init_process_group()
