"""torch.onnx: wengert keeps no program to export."""

__all__ = ["export", "dynamo_export", "is_in_onnx_export"]


def export(*args, **kwargs):
    """Raises: there is no program to export."""
    raise NotImplementedError("wengert has no ONNX export: load the state_dict with PyTorch and export there")


dynamo_export = export


def is_in_onnx_export():
    """False."""
    return False
