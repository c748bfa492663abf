"""The harness itself: what it passes to C is what the array is, and it notices what it shall notice."""
import numpy as np
import pytest

from harness import BF16, DTYPES, Kernels, Number, bf16, cast, empty, levels, misaligned, strided, values, wg_array

PROBE = r"""
#include "wg_kernel.h"
#define PROBE(name) int WG_K(name)(wg_array *const *op, int nop, const wg_attr *attr)
PROBE(flat) {      /* op[0] int64: dtype, ndim, contiguous, numel, then shape and strides; op[1] is described */
    (void)nop; (void)attr;
    int64_t *out = (int64_t *)op[0]->data;
    *out++ = op[1]->dtype; *out++ = op[1]->ndim; *out++ = op[1]->contiguous; *out++ = op[1]->numel;
    for (int d = 0; d < op[1]->ndim; d++) { *out++ = op[1]->shape[d]; *out++ = op[1]->strides[d]; }
    return 0;
}
PROBE(attributes) {
    (void)nop;
    double *out = (double *)op[0]->data;
    out[0] = attr[0].tag; out[1] = wg_attr_float(attr[1]); out[2] = wg_attr_float(attr[2]); out[3] = attr[3].n;
    out[4] = (double)attr[3].v[1]; out[5] = op[1]->is_number ? op[1]->number.f : -1;
    return 0;
}
PROBE(fails) { (void)op; (void)nop; (void)attr; return wg_fail(WG_INDEX_ERROR, "index %d is out of range", 7); }
PROBE(leaks) { (void)op; (void)nop; (void)attr; return wg_scratch_get(64) ? 0 : -1; }
static void count(void *context, int64_t begin, int64_t end) { for (int64_t i = begin; i < end; i++) ((int64_t *)context)[i] += 1; }
PROBE(covers) { (void)nop; (void)attr; wg_parallel_for(op[0]->numel, 8, 1.0, count, op[0]->data); return 0; }
"""


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    path = tmp_path_factory.mktemp("probe") / "probe.c"
    path.write_text(PROBE)
    return Kernels(str(path))


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_arrive_as_they_are(probe, dtype):
    x = cast(np.arange(24).reshape(2, 3, 4) % 2, dtype)
    for view in (x, x.transpose(2, 0, 1), x[:, ::2], strided(x), np.broadcast_to(x[0, 0], (5, 4), subok=True),
                 x[1, 2, 3, ...], x[:0]):
        out = np.zeros(32, np.int64)
        probe("flat", out, view)
        n = view.ndim
        assert out[:4].tolist() == [DTYPES.index(dtype), n, int(view.flags.c_contiguous or view.size <= 1), view.size]
        assert out[4:4 + 2 * n:2].tolist() == list(view.shape)
        assert out[5:5 + 2 * n:2].tolist() == [s // view.itemsize for s in view.strides]


def test_attributes_and_numbers(probe):
    out = np.zeros(6)
    probe("attributes", out, Number(2.5), attrs=[None, 3, True, [4, 5, 6]])
    assert out.tolist() == [0, 3, 1, 3, 5, 2.5]


def test_errors_leaks_and_exhausted_memory_are_seen(probe):
    with pytest.raises(IndexError, match="index 7 is out of range"):
        probe("fails")
    with pytest.raises(AssertionError, match="not put back"):
        probe("leaks")
    probe.fail_scratch()
    with pytest.raises(MemoryError):
        probe("leaks")


@pytest.mark.parametrize("mode", ["whole", "pieces", "reversed", "threads"])
def test_every_mode_covers_the_range_once(probe, mode):
    for n in (0, 1, 7, 8, 9, 1000):
        out = np.zeros(n, np.int64)
        probe("covers", out, mode=mode)
        assert (out == 1).all()


def test_bfloat16_rounds_to_even_and_survives_views():
    x = np.array([1.0, 1.00390625, 1.01171875, np.inf, -0.0, 3.4e38], np.float32)
    y = bf16(x)
    assert values(y).tolist() == [1.0, 1.0, 1.015625, np.inf, -0.0, np.inf]
    assert np.isnan(values(bf16(np.float32("nan")))) and isinstance(y[::2], BF16)


def test_memory_helpers():
    x = np.arange(12.0).reshape(3, 4)
    assert misaligned(x).ctypes.data % 64 == 8 and (misaligned(x) == x).all()
    assert not strided(x).flags.forc and (strided(x) == x).all()
    assert empty((2,), "bfloat16").dtype == np.uint16 and wg_array(x).numel == 12
    assert levels()
