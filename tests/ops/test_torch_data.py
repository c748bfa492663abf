"""PyTorch's own operator, module and optimizer data: a sample of it, or all with WENGERT_TORCH_DATA=all."""
import os

import pytest

pytest.importorskip("torch")
pytest.importorskip("torch.testing", reason="torch's test data")
try:
    from torch_data import known, modules, operators, optimizers
except ImportError as error:                                # a torch without its internal test data, or without what that imports
    pytest.skip(f"torch's test data cannot be imported: {error}", allow_module_level=True)

ALL = os.environ.get("WENGERT_TORCH_DATA") == "all"
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

#: Operators of the sample: one or two of each family, those that most programs call, and those that once differed.
SAMPLE = """add sub mul div.no_rounding_mode div.trunc_rounding pow remainder clamp where maximum eq isclose logical_and bitwise_not exp log sin sigmoid
erf special.i0e special.log_ndtr igamma gcd sum mean var_mean std prod amax max.reduction_with_dim argmax cumsum logsumexp norm quantile cov
matmul mm bmm addmm addbmm addr einsum linalg.inv linalg.det linalg.solve linalg.cholesky linalg.qr linalg.eigh linalg.svd linalg.lu linalg.pinv.hermitian
linalg.lstsq matrix_exp linalg.multi_dot view reshape permute expand flatten split cat stack meshgrid.list_of_tensors diff rot90 roll narrow unfold
__getitem__ index_put gather scatter scatter_reduce.amax index_reduce.mean index_add index_fill masked_fill take_along_dim searchsorted sort topk unique
softmax nn.functional.relu nn.functional.gelu nn.functional.softplus nn.functional.layer_norm nn.functional.rms_norm nn.functional.batch_norm
nn.functional.cosine_similarity nn.functional.cross_entropy nn.functional.mse_loss nn.functional.multi_margin_loss nn.functional.linear
nn.functional.embedding nn.functional.scaled_dot_product_attention nn.functional.pad.constant linspace arange full zeros_like gradient
histogram""".split()


def unknown(what, name, findings):
    return [f"{variant} {dtype} {kind}: {text}" for variant, dtype, kind, text in findings
            if kind != "skipped" and known.reason(what, name, variant, dtype, kind) is None]


RUNS = operators.select([])


@pytest.mark.parametrize("name", RUNS if ALL else [n for n in SAMPLE if n in RUNS])
def test_operator(name):
    options = {} if ALL else {"limit": 2, "dtypes": ("float64", "float32", "int64")}
    findings, _ = RUNS[name](**options)
    assert not unknown("operators", name, findings)


@pytest.mark.parametrize("name", modules.select([]))
def test_module(name):
    findings, _ = modules.select([])[name](**({} if ALL else {"limit": 1, "dtypes": ("float64",)}))
    assert not unknown("modules", name, findings)


@pytest.mark.parametrize("name", optimizers.select([]))
def test_optimizer(name):
    findings, _ = optimizers.select([])[name](**({} if ALL else {"limit": 3}))
    assert not unknown("optimizers", name, findings)


def test_the_sample_exists():
    assert not [n for n in SAMPLE if n not in RUNS]


def test_a_planted_error_is_found(monkeypatch):
    import wengert
    monkeypatch.setattr(wengert, "sigmoid", lambda x, out=None: x.sigmoid() * (1 + 1e-9))
    findings, count = RUNS["sigmoid"](limit=2, dtypes=("float64",))
    assert count == 2 and any(kind == "value" for _, _, kind, _ in findings)
