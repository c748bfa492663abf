"""Every random kernel against torch itself: samples, a second call that continues the stream, the state behind it."""
import numpy as np
import pytest

from harness import BF16, levels
from random_harness import Generator, random_kernels

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"),
                       reason="the reference is torch's AVX2 code"),
]

REAL = ["float32", "float64"]
HALF = ["float16", "bfloat16"]
WHOLE = ["uint8", "int8", "int16", "int32", "int64"]


def as_numpy(x):
    """Shares memory; NumPy has no bfloat16, so that comes as the harness' view on its bits."""
    return x.view(torch.uint16).numpy().view(BF16) if x.dtype is torch.bfloat16 else x.numpy()


@pytest.fixture(params=levels())
def check(request):
    """A function: runs torch and the kernel twice each on equal memory and asserts equal bits and equal states."""
    kernels = random_kernels(request.param)

    def check(kernel, fill, dtype, shape, attrs=(), operands=(), view=lambda x: x, seed=20):
        torch.manual_seed(seed)
        g = Generator(kernels, seed)
        for _ in range(2):
            expected = view(torch.zeros(shape, dtype=getattr(torch, dtype)))
            fill(expected)
            y = as_numpy(view(torch.zeros(shape, dtype=getattr(torch, dtype))))
            g(kernel, y, *operands, attrs=attrs)
            np.testing.assert_array_equal(y, as_numpy(expected), strict=True)
        np.testing.assert_array_equal(g.get_state(), torch.get_rng_state().numpy())
    return check


VIEWS = {
    "transposed": ((70, 90), lambda x: x.t()),
    "every second": ((70, 90), lambda x: x[:, ::2]),
    "transposed and strided": ((70, 90), lambda x: x.t()[::3, ::2]),
    "permuted": ((5, 6, 7, 8), lambda x: x.permute(2, 0, 3, 1)),
    "permuted and strided": ((5, 6, 7, 8), lambda x: x[:, ::2, 1:].permute(3, 1, 0, 2)),
    "with ones": ((5, 1, 7, 1), lambda x: x.permute(3, 2, 1, 0)),
    "0-d": ((), lambda x: x),
    "empty": ((3, 0, 2), lambda x: x),
    "offset": ((100,), lambda x: x[3:]),
}


@pytest.mark.parametrize("dtype", HALF + REAL)
@pytest.mark.parametrize("low, high", [(0.0, 1.0), (0.1, 0.7), (-3.3, 5.1), (2.0, 2.0), (0.0, 60000.0)])
def test_uniform(check, dtype, low, high):
    check("uniform", lambda y: y.uniform_(low, high), dtype, 10007, [low, high])


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", HALF + REAL)
def test_views_are_filled_in_memory_order(check, view, dtype):
    shape, of = VIEWS[view]
    check("uniform", lambda y: y.uniform_(-1, 2), dtype, shape, [-1.0, 2.0], view=of)
    check("normal", lambda y: y.normal_(1, 2), dtype, shape, [1.0, 2.0], view=of)
    check("bernoulli", lambda y: y.bernoulli_(0.4), dtype, shape, [0.4], view=of)
    check("randint", lambda y: y.random_(0, 50), dtype, shape, [0, 50], view=of)
    check("exponential", lambda y: y.exponential_(0.4), dtype, shape, [0.4], view=of)


@pytest.mark.parametrize("dtype", HALF + REAL)
@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 31, 32, 33, 4096, 10007])
def test_normal(check, dtype, n):
    for mean, std in [(0.0, 1.0), (0.1, 0.7), (5.0, 0.0)]:
        check("normal", lambda y: y.normal_(mean, std), dtype, n, [mean, std])


def test_normal_cache_is_shared(check):
    """An odd number of single samples in one dtype leaves its partner to the other."""
    torch.manual_seed(1)
    for level in levels():
        torch.manual_seed(1)
        g = Generator(random_kernels(level), 1)
        for dtype, n in [("float32", 3), ("float64", 3), ("float32", 16), ("float64", 1), ("float32", 1)]:
            expected = torch.randn(n, dtype=getattr(torch, dtype)).numpy()
            np.testing.assert_array_equal(g("normal", np.empty(n, dtype), attrs=[0.0, 1.0]), expected)


def test_normal_of_ten_million(check):
    """Most of the 2^24 arguments that the single precision logarithm and sine can have."""
    check("normal", lambda y: y.normal_(), "float32", 10_000_000, [0.0, 1.0])


@pytest.mark.parametrize("dtype", WHOLE + HALF + REAL)
def test_integers(check, dtype):
    check("randint", lambda y: y.random_(0, 2), dtype, 1000, [0, 2])
    check("randint", lambda y: y.random_(3, 101), dtype, 1000, [3, 101])
    check("randint", lambda y: y.random_(3, None), dtype, 1000, [3, None])
    check("full", lambda y: y.random_(), dtype, 1000)


def test_integers_of_bool(check):
    check("randint", lambda y: y.random_(0, 2), "bool", 1000, [0, 2])
    check("randint", lambda y: y.random_(0, None), "bool", 1000, [0, None])
    check("full", lambda y: y.random_(), "bool", 1000)


@pytest.mark.parametrize("size", [2**28 - 1, 2**28, 2**28 + 1, 2**32 - 1, 2**32, 2**40 + 3, 2**62 + 12345])
def test_integers_take_64_bits_from_2_to_28_on(check, size):
    check("randint", lambda y: y.random_(-3, size - 3), "int64", 1000, [-3, size - 3])


def test_integers_of_all_64_bits(check):
    for dtype in ("int64", "bfloat16", *REAL):
        check("randint", lambda y: y.random_(-2**63, None), dtype, 1000, [-2**63, None])
    check("randint", lambda y: y.random_(-2**63, 2**63 - 1), "int64", 1000, [-2**63, 2**63 - 1])


@pytest.mark.filterwarnings("ignore:.*is out of bounds")
@pytest.mark.parametrize("dtype", HALF + REAL)
def test_integer_bounds_between_the_values_of_a_float(check, dtype):
    e = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}[dtype]
    for low, high in [(-2**e - 3, 2**e + 3), (2**e + 1, 2**(e + 3) + 1), (-2**(e + 2) - 7, -2**e - 1), (0, 2**(e + 4) - 1)]:
        check("randint", lambda y: y.random_(low, high), dtype, 1000, [low, high])


@pytest.mark.parametrize("dtype", ["bool", *WHOLE, *HALF, *REAL])
def test_bernoulli(check, dtype):
    for p in (0.0, 0.1, 0.5, 1 / 3, 1.0):
        check("bernoulli", lambda y: y.bernoulli_(p), dtype, 5001, [p])


@pytest.mark.parametrize("p_dtype", HALF + REAL)
@pytest.mark.parametrize("dtype", ["bool", "int64", "bfloat16", *REAL])
def test_bernoulli_of_a_tensor(check, dtype, p_dtype):
    p = torch.linspace(0, 1, 60 * 70).to(getattr(torch, p_dtype)).reshape(60, 70)
    for shape, view, chance in [((60, 70), lambda x: x, p), ((60, 70), lambda x: x.t(), p.t()), ((70, 60), lambda x: x.t(), p),
                                ((60, 70), lambda x: x, p[0]), ((3, 60, 70), lambda x: x, p[:, :1])]:
        check("bernoulli_p", lambda y: y.bernoulli_(chance), dtype, shape, operands=[as_numpy(chance)], view=view)


@pytest.mark.parametrize("dtype", REAL)
def test_bernoulli_of_a_transposed_tensor_fills_a_contiguous_one(dtype):
    p = torch.linspace(0, 1, 60 * 70, dtype=getattr(torch, dtype)).reshape(60, 70).t()
    torch.manual_seed(3)
    expected = torch.bernoulli(p).numpy()
    for level in levels():
        y = Generator(random_kernels(level), 3)("bernoulli_p", np.empty((70, 60), dtype), p.numpy())
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_dropout_is_bernoulli_of_one_minus_p(p):
    torch.manual_seed(4)
    kept = (torch.nn.functional.dropout(torch.ones(5000), p) != 0).numpy()
    for level in levels():
        y = Generator(random_kernels(level), 4)("bernoulli", np.empty(5000, np.bool_), attrs=[1 - p])
        np.testing.assert_array_equal(y, kept)


@pytest.mark.parametrize("dtype", HALF + REAL)
def test_formulas_of_one_sample(check, dtype):
    """Through the double precision functions of libm, which both sides share here."""
    check("exponential", lambda y: y.exponential_(), dtype, 10007, [1.0])
    check("exponential", lambda y: y.exponential_(3.7), dtype, 10007, [3.7])
    check("cauchy", lambda y: y.cauchy_(0.1, 3.7), dtype, 10007, [0.1, 3.7])
    check("log_normal", lambda y: y.log_normal_(0.1, 0.7), dtype, 10007, [0.1, 0.7])


@pytest.mark.parametrize("dtype", WHOLE + HALF + REAL)
def test_geometric(check, dtype):
    for p in (0.1, 0.5, 0.999):
        check("geometric", lambda y: y.geometric_(p), dtype, 5001, [p])


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", *REAL])
@pytest.mark.parametrize("n", [0, 1, 2, 10, 256, 257, 258, 513, 30000])
def test_randperm(check, dtype, n):
    check("randperm", lambda y: torch.randperm(n, out=y), dtype, n)


def each_level(kernel, y, operands, expected, state, seed=6, attrs=()):
    for level in levels():
        g = Generator(random_kernels(level), seed)
        np.testing.assert_array_equal(g(kernel, y.copy(), *operands, attrs=attrs), expected.numpy(), strict=True)
        np.testing.assert_array_equal(g.get_state(), state.numpy())


@pytest.mark.parametrize("dtype", REAL)
def test_poisson(dtype):
    for rate in (torch.linspace(0, 12, 4000), torch.tensor([0.0, 1e-30, 9.999, 10.0, 50.0, 1e4, 1e9, float("inf")]).repeat(200),
                 torch.linspace(8, 200, 4000).reshape(40, 100).t()):
        rate = rate.to(getattr(torch, dtype))
        torch.manual_seed(6)
        expected = torch.poisson(rate)
        each_level("poisson", np.empty(rate.shape, dtype), [rate.numpy()], expected, torch.get_rng_state())


@pytest.mark.parametrize("dtype", REAL)
def test_gamma(dtype):
    for alpha in (torch.linspace(0, 3, 5000), torch.tensor([0.0, 1e-30, 1e-3, 1.0, 50.0, 1e6, 1e30]).repeat(200),
                  torch.linspace(0.5, 20, 4000).reshape(40, 100).t()):
        alpha = alpha.to(getattr(torch, dtype))
        torch.manual_seed(6)
        expected = torch._standard_gamma(alpha)
        each_level("gamma", np.empty(alpha.shape, dtype), [alpha.numpy()], expected, torch.get_rng_state())


@pytest.mark.parametrize("dtype", REAL)
def test_binomial(dtype):
    p = torch.linspace(-0.1, 1.1, 997, dtype=getattr(torch, dtype))
    for count in (0, 1, 7, 10, 19, 20, 40, 41.5, 100, 1000, 1e6, float("inf")):
        count = torch.full((4, 1), count, dtype=p.dtype)
        torch.manual_seed(6)
        expected = torch.binomial(count.expand(4, 997).contiguous(), p.expand(4, 997).contiguous())
        each_level("binomial", np.empty((4, 997), dtype), [count.numpy(), p.numpy()], expected, torch.get_rng_state())


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("dtype", REAL)
def test_multinomial(dtype, replacement):
    torch.manual_seed(2)
    p = torch.rand(40, 300, dtype=getattr(torch, dtype)) ** 3
    for weights in (p, p.t(), p[:, ::3], p[3], p[:, 3], p[:1].expand(20, 300), p[:, :1], p[:5, 7:8] * 0 + 2):
        for samples in (1, 2, 25, weights.shape[-1]):
            if samples > weights.shape[-1] and not replacement:
                continue
            torch.manual_seed(6)
            expected = torch.multinomial(weights, samples, replacement)
            each_level("multinomial", np.empty(expected.shape, np.int64), [weights.numpy()], expected,
                       torch.get_rng_state(), attrs=[replacement])


def test_multinomial_many_categories():
    """In float64: among 10^5 float32 scores some are equal, and torch leaves open which of those comes first."""
    torch.manual_seed(2)
    p = torch.rand(100_000, dtype=torch.float64)
    for samples in (1, 3, 5000, 100_000):
        torch.manual_seed(6)
        expected = torch.multinomial(p, samples)
        each_level("multinomial", np.empty(samples, np.int64), [p.numpy()], expected, torch.get_rng_state(), attrs=[False])


@pytest.mark.parametrize("dtype", HALF + ["uint8", "int8"])
def test_randperm_of_narrow_dtypes(check, dtype):
    check("randperm", lambda y: torch.randperm(120, out=y), dtype, 120)
