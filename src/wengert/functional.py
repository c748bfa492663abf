"""Functions of the top level that programs import from ``torch.functional``."""
import wengert as _wengert

__all__ = ["atleast_1d", "atleast_2d", "atleast_3d", "broadcast_shapes", "broadcast_tensors", "cartesian_prod", "block_diag", "cdist", "chain_matmul",
           "einsum", "lu", "norm", "meshgrid", "pca_lowrank", "split", "svd_lowrank", "tensordot", "unique", "unique_consecutive", "unravel_index"]

for _name in __all__:
    globals()[_name] = getattr(_wengert, _name)
