"""Distributions against PyTorch's: samples of a seed, densities, entropies, divergences, gradients, shapes, errors."""
import importlib

import numpy as np
import pytest
from against_torch import torch
from distributions_like_torch import LIBRARIES, both, differentiate, scope

import wengert
import wengert.distributions

CONTINUOUS = {
    "ContinuousBernoulli(T(.2, .5))": "T(.3, .2)", "ContinuousBernoulli(logits=T(-1., .001))": "T(.3, .2)", "FisherSnedecor(T(3., 5.), T(4.5, 6.))": "T(.3, .2)",
    "Kumaraswamy(T(.5, 3.), T(.7, .2))": "T(.3, .2)", "LogisticNormal(T(.5, 1.), T(1., 2.))": "T(.3, .2, .5)",
    "LowRankMultivariateNormal(T(.5, 1., 2.), T([1.], [.5], [.1]), T(1., 2., 3.))": "T([.1, .2, .3], [1., 2., 3.])",
    "LKJCholesky(3, T(.8, 2.))": "T([1., 0., 0.], [.6, .8, 0.], [0., .6, .8])",
    "Wishart(T(3.5, 5.), covariance_matrix=T([2., .5], [.5, 1.]))": "T([2., .5], [.5, 1.5])", "Wishart(T(3.5), scale_tril=T([2., 0.], [.5, 1.]))": "T([2., .5], [.5, 1.5])",
    "Wishart(T(3.5), precision_matrix=T([2., .5], [.5, 1.]))": "T([2., .5], [.5, 1.5])",
    "Normal(T(0.5, -1.), T(1., 2.))": "T(.3, .2)", "Normal(T(.5), 2.)": "T(.3, .2)", "LogNormal(T(.5, 1.), T(1., .5))": "T(.3, .2)",
    "Uniform(T(0., -1.), T(1., 2.))": "T(.3, .2)", "Exponential(T(.5, 2.))": "T(.3, .2)", "Laplace(T(.5, -1.), T(1., 2.))": "T(.3, .2)",
    "Gamma(T(.5, 3.), T(1., 2.))": "T(.3, .2)", "Chi2(T(3., 4.))": "T(.3, .2)", "Beta(T(.5, 3.), T(1., 2.))": "T(.3, .2)",
    "Dirichlet(T([.5, 1., 2.], [3., 1., 1.]))": "T([.2, .3, .5], [.1, .8, .1])", "HalfNormal(T(.5, 2.))": "T(.3, .2)",
    "Independent(Normal(T([0., 1., 2.], [1., 2., 3.]), T(1.)), 1)": "T(.1, .2, .3)",
    "Independent(Normal(T([0., 1., 2.], [1., 2., 3.]), T(1.)), 2)": "T(.1, .2, .3).expand(2, 3)",
    "MultivariateNormal(T(.5, 1., 2.), scale_tril=T([1., 0., 0.], [.5, 2., 0.], [.1, .2, .3]))": "T([.1, .2, .3], [1., 2., 3.])",
    "MultivariateNormal(T(.5, 1.), covariance_matrix=T([2., .5], [.5, 1.]))": "T(.1, .2)",
    "MultivariateNormal(T(.5, 1.), precision_matrix=T([2., .5], [.5, 1.]))": "T(.1, .2)",
    "TransformedDistribution(Normal(T(0., 1.), T(1., .5)), [TanhTransform()])": "T(.3, -.2)",
    "TransformedDistribution(Normal(T(0., 1.), T(1., .5)), [TanhTransform(cache_size=1), AffineTransform(T(1.), T(2.), cache_size=1)])": "T(.3, 1.2)",
    "TransformedDistribution(Normal(T(0., 1.), T(1., .5)), AffineTransform(1., -2.))": "T(.3, 1.2)",
    "TransformedDistribution(Normal(T(0., 1.), T(1., .5)), [SigmoidTransform()])": "T(.3, .6)",
    "TransformedDistribution(Uniform(T(0.), T(1.)), [SigmoidTransform().inv, AffineTransform(T(0., 1.), T(1., 2.))])": "T(.3, .6)",
    "Independent(TransformedDistribution(Normal(T(0., 1.), T(1., .5)), [TanhTransform()]), 1)": "T(.3, -.2)",
    "TransformedDistribution(Independent(Normal(T(0., 1.), T(1., .5)), 1), [AffineTransform(T(1., 2.), T(3., 4.), event_dim=1)])": "T(.3, -.2)",
    "TransformedDistribution(Normal(T(0., 1.), T(1., .5)), [d.transforms.IndependentTransform(ExpTransform(), 1)])": "T(.3, .2)",
    "TransformedDistribution(Exponential(T(2.)), [PowerTransform(T(2.))])": "T(.3, .2)",
    "TransformedDistribution(Normal(T(0., 1.), T(1., .5)), [d.transforms.SoftplusTransform()])": "T(.3, .2)",
    "StudentT(T(.5, 1.5, 4.), T(1., 2., 3.), T(1., 2., .5))": "T(.3, .2, -1.)", "StudentT(T(3.))": "T(.3)", "Cauchy(T(.5, -1.), T(1., 2.))": "T(.3, .2)",
    "HalfCauchy(T(.5, 2.))": "T(.3, .2)", "Gumbel(T(.5, -1.), T(1., 2.))": "T(.3, .2)", "InverseGamma(T(.5, 1.5, 3.), T(1., 2., 3.))": "T(.3, .2, 1.)",
    "Pareto(T(.1, .2, .3), T(.5, 1.5, 4.))": "T(.3, .2, 1.)", "Weibull(T(.5, 2.), T(1., 3.))": "T(.3, .2)",
    "RelaxedBernoulli(T(.5), logits=T(.3, -2.))": "T(.3, .2)",
    "RelaxedOneHotCategorical(T(.5), T([.3, .2, .5], [.1, .1, .8]))": "T([.2, .3, .5], [.1, .8, .1])",
    "MixtureSameFamily(Categorical(T(.2, .3, .5)), Normal(T(0., 1., 2.), T(1., 2., 3.)))": "T(.1)",
    "MixtureSameFamily(Categorical(logits=T([1., 2.], [0., 0.])), Independent(Normal(T([[0., 1.], [2., 3.]], [[4., 5.], [6., 7.]]), T(1.)), 1))": "T(.1, .2)",
    "TransformedDistribution(Independent(Normal(T(0., 1.), T(1., .5)), 1), d.StickBreakingTransform())": "T(.2, .3, .5)",
}
DISCRETE = {
    "Geometric(T(.3, 1., .8))": "T(0., 0., 3.)", "Geometric(logits=T(-1., 2.))": "T(0., 1.)", "Binomial(7, T(.3, .8))": "T(0., 5.)",
    "Binomial(T(7., 3.), logits=T(-1., 2.))": "T(0., 3.)", "NegativeBinomial(T(7., 2.5), T(.3, .8))": "T(0., 5.)",
    "NegativeBinomial(T(7., 0.), logits=T(-1., .2), validate_args=False)": "T(0., 0.)", "Multinomial(5, T(.2, .3, .5))": "T(2., 0., 3.)",
    "Multinomial(5, logits=T([1., 2.], [0., 3.]))": "T([2., 3.], [0., 5.])",
    "Bernoulli(T(.3, .8))": "T(0., 1.)", "Bernoulli(logits=T(-1., 2.))": "T(0., 1.)", "Bernoulli(T(.5))": "T([0., 1.], [1., 1.])",
    "Categorical(T(1., 2., 3.))": "t.tensor([0, 2])", "Categorical(logits=T([1., 2., 3.], [0., 0., 9.]))": "t.tensor([0, 2])",
    "Categorical(logits=T([1., 2., 3.], [0., 0., 9.]), validate_args=False)": "t.tensor([[0, 2], [1, 1], [2, 2]])",
    "OneHotCategorical(logits=T([1., 2., 3.], [0., 0., 9.]))": "T([0., 1., 0.], [0., 0., 1.])", "Poisson(T(.5, 20.))": "T(0., 17.)",
    "Independent(Bernoulli(T([.3, .8], [.1, .2])), 1)": "T([0., 1.], [1., 1.])",
    "OneHotCategoricalStraightThrough(T(.2, .3, .5))": "T(0., 1., 0.)",
}
EVERY = {**CONTINUOUS, **DISCRETE}


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("shape", ["()", "(3,)", "(5, 4)"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_of_a_seed(make, shape, dtype):
    assert both(lambda lib: (lambda x: [x, x.requires_grad])(eval(f"({make}).sample({shape})", scope(lib, dtype, True))),
                1e-10 if dtype == "float64" else 2e-6)[0] == "returned"


@pytest.mark.parametrize("make", [m for m in CONTINUOUS if not m.startswith(("Gamma", "Chi2", "Beta", "Dirichlet", "StudentT", "InverseGamma", "MixtureSame", "FisherSnedecor", "LKJ", "Wishart"))] +
                         ["OneHotCategoricalStraightThrough(T(.2, .3, .5))", "Gamma(t.tensor([.5, 3.], dtype=t.float64), T(1., 2.))"])
def test_gradients_of_samples(make):
    def run(lib):
        s = scope(lib, grad=True)
        x = eval(f"({make}).rsample((4,))", s)
        return [x, differentiate(lib, s, x)]

    assert both(run)[0] == "returned"


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_densities_and_their_gradients(make, dtype):
    def run(lib):
        s = scope(lib, dtype, True)
        p = eval(make, s)
        value = eval(EVERY[make], s)
        logs = p.log_prob(value)
        return [p.batch_shape == lib.Size(p.batch_shape), tuple(p.batch_shape), tuple(p.event_shape), logs, differentiate(lib, s, logs)]

    assert both(run, 1e-10 if dtype == "float64" else 3e-5)[0] == "returned"


@pytest.mark.parametrize("name", ["mean", "mode", "variance", "stddev", "entropy()", "perplexity()", "cdf(V)", "icdf(T(.3, .6))", "has_rsample",
                                  "has_enumerate_support", "enumerate_support()", "enumerate_support(expand=False)"])
@pytest.mark.parametrize("make", EVERY)
def test_what_a_distribution_tells(make, name):
    def run(lib):
        s = scope(lib)
        s["V"] = eval(EVERY[make], s)
        return eval(f"({make}).{name}", s)

    # torch takes log n! of a multinomial in float32
    both(run, 1e-6 if make.startswith("Multinomial") and name in ("entropy()", "perplexity()") else 1e-10, words=False)


@pytest.mark.parametrize("make", EVERY)
def test_expanded(make):
    def run(lib):
        s = scope(lib)
        p = eval(make, s)
        q = p.expand((3,) + tuple(p.batch_shape))
        x = q.sample()
        return [tuple(q.batch_shape), tuple(q.event_shape), x, q.log_prob(x), q.log_prob(eval(EVERY[make], s)) if q.batch_shape[-1:] == p.batch_shape[-1:]
                and not make.startswith("Categorical") else 0]

    assert both(run, 1e-9)[0] == "returned"


@pytest.mark.parametrize("pair", [
    ("Normal(T(0., 1.), T(1., 2.))", "Normal(T(.5), T(.5))"), ("LogNormal(T(0., 1.), T(1., 2.))", "LogNormal(T(.5), T(.5))"),
    ("Bernoulli(T(.3, 0., 1.))", "Bernoulli(T(.6, .5, .5))"), ("Bernoulli(T(.3, .4))", "Bernoulli(T(0., 1.))"),
    ("Categorical(T(.2, .8))", "Categorical(logits=T(1., 2.))"), ("Categorical(T(0., 1.))", "Categorical(T(1., 1.))"),
    ("Categorical(T(1., 1.))", "Categorical(T(0., 1.))"), ("OneHotCategorical(T(.2, .8))", "OneHotCategorical(logits=T(1., 2.))"),
    ("Uniform(T(0., 0.), T(1., 3.))", "Uniform(T(-1.), T(2.))"), ("Exponential(T(1.))", "Exponential(T(3.))"),
    ("Laplace(T(0.), T(1.))", "Laplace(T(1.), T(2.))"), ("Poisson(T(3.))", "Poisson(T(2.))"), ("Gamma(T(2.), T(3.))", "Gamma(T(1.), T(2.))"),
    ("Beta(T(2.), T(3.))", "Beta(T(1.), T(2.))"), ("Dirichlet(T(2., 3., 1.))", "Dirichlet(T(1., 2., 2.))"), ("HalfNormal(T(2.))", "HalfNormal(T(1.))"),
    ("Independent(Normal(T(0., 1.), T(1., 2.)), 1)", "Independent(Normal(T(1., 1.), T(2., 2.)), 1)"),
    ("MultivariateNormal(T(0., 1.), T([2., .5], [.5, 1.]))", "MultivariateNormal(T(1., 1.), T([1., .2], [.2, 3.]))"),
])
def test_divergences(pair):
    def run(lib):
        s = scope(lib, grad=True)
        p, q = (eval(text, s) for text in pair)
        value = d = lib.distributions.kl_divergence(p, q)
        finite = d.isfinite()
        return [value, differentiate(lib, s, value) if bool(finite.all()) and "0., 1." not in pair[0] else 0]

    # torch's trigamma, in the gradients of these, is right to 8e-10 only (mpmath agrees with ours to the last digit)
    assert both(run, 2e-9 if pair[0].startswith(("Gamma", "Beta", "Dirichlet")) else 1e-10)[0] == "returned"


def test_a_divergence_of_ones_own():
    d = wengert.distributions

    class Mine(d.Normal):
        pass

    class Base:
        pass

    class Based(Base):
        pass

    with pytest.raises(NotImplementedError, match=r"No KL\(p \|\| q\) is implemented for p type HalfNormal and q type Poisson"):
        d.kl_divergence(d.HalfNormal(1.), d.Poisson(1.))
    assert d.kl_divergence(Mine(0., 1.), d.Normal(0., 1.)).item() == 0
    d.register_kl(Mine, Mine)(lambda p, q: 7)
    assert d.kl_divergence(Mine(0., 1.), Mine(0., 1.)) == 7
    with pytest.raises(TypeError, match="Distribution subclasses"):
        d.register_kl(3, Mine)
    d.register_kl(Base, Base)(lambda p, q: 8)
    assert d.kl_divergence(Based(), Based()) == 8


@pytest.mark.parametrize("text", [
    "Normal(0., -1.)", "Normal(T(float('nan')), 1.)", "Normal('a', 1.)", "Normal(0., 1.).log_prob(3)", "Normal(T(0., 0., 0.), 1.).log_prob(T(0., 0.))",
    "Uniform(0., 1.).log_prob(T(3.))", "Bernoulli(2.)", "Bernoulli()", "Bernoulli(T(.3)).log_prob(T(2.))", "Bernoulli(.3).rsample()",
    "Categorical()", "Categorical(T(1.))", "Categorical(logits=T(0., 0., 0.)).log_prob(T(3.))",
    "Categorical(logits=T(float('nan'), 1.))", "Independent(Normal(T(0., 0., 0.), 1.), 2)", "Exponential(-1.)", "Gamma(1., -2.)",
    "Dirichlet(T(1.))", "Dirichlet(T(-1., 1.))", "OneHotCategorical(T(1., 1.)).log_prob(T(1., 1.))", "MultivariateNormal(T(0., 0.))",
    "MultivariateNormal(T(0.), T(1.))", "MultivariateNormal(T(0., 0.), scale_tril=T([1., 1.], [1., 1.]))",
    "MultivariateNormal(T(0., 0.), -t.eye(2, dtype=t.float64))", "MultivariateNormal(T(0., 0.), t.eye(2, dtype=t.float64)).log_prob(T(1.))",
    "TransformedDistribution(Normal(0., 1.), 3)", "Normal(0., 1.).enumerate_support()", "TanhTransform(cache_size=2)",
    "Independent(Bernoulli(T(.2, .3)), 1).enumerate_support()",
])
def test_errors(text):
    assert both(lambda lib: eval(text, scope(lib)), words="TransformedDistribution" not in text)[0] == "raised"


@pytest.mark.parametrize("text", [*(m for m in EVERY if not m.startswith(("Transformed", "Independent(T"))), "Normal(0., 1.)", "TanhTransform()",
                                  "TransformedDistribution(Normal(0., 1.), [TanhTransform()])", "constraints.positive", "constraints.simplex",
                                  "constraints.interval(0, 1)", "constraints.real_vector", "Normal(0., 1.).support", "Categorical(T(1., 1.)).support"])
def test_representations(text):
    both(lambda lib: repr(eval(text, {**scope(lib), "constraints": lib.distributions.constraints})))


def test_a_policy_gradient():
    def run(lib):
        lib.manual_seed(1)
        net = lib.nn.Linear(3, 4)
        p = lib.distributions.Categorical(logits=net(lib.arange(6.).view(2, 3)))
        actions = p.sample()
        loss = (-p.log_prob(actions) * lib.tensor([1., 2.])).mean() - 0.01 * p.entropy().mean()
        loss.backward()
        return [actions, loss, net.weight.grad]

    assert both(run, 2e-6)[0] == "returned"


@pytest.mark.parametrize("make", ["Gamma(T(.01, .3, 1., 2.5, 30., 1e3), T(2.))", "Chi2(T(.5, 3., 40.))", "StudentT(T(3., 4.), T(.5, 1.), T(2.))",
                                  "InverseGamma(T(2., 3.), T(1., 2.))", "FisherSnedecor(T(3., 5.), T(4.5, 6.))"])
def test_gradients_of_gamma_samples(make):
    """To torch's precision: it has approximations with about 4 digits."""
    def run(lib):
        s = scope(lib, grad=True)
        x = eval(make, s).rsample((4,))
        return [x, *lib.autograd.grad((x * x.detach().cos()).sum(), s["leaves"])]

    assert both(run, 5e-4)[0] == "returned"


def test_gradients_of_gamma_samples_are_exact():
    """Against moments that samples made of quantiles keep: x^n has the mean gamma(a + n) / gamma(a)."""
    a = wengert.full((20_000,), 0.0, dtype=wengert.float64)
    for value in (0.4, 3.0, 50.0, 2e5):
        wengert.manual_seed(2)
        a = wengert.full((20_000,), value, dtype=wengert.float64, requires_grad=True)
        x = wengert.distributions.Gamma(a, 1.0).rsample()
        x.sum().backward()
        assert abs(a.grad.mean().item() - 1) < 0.02          # d/da of the mean, which is a
        # dx/da is a function of x alone, and of the law's: dP(a, x)/da + p dx/da = 0, here by another difference
        h = 1e-4 * min(value, value**0.5)
        p = wengert.special.gammainc
        total = (p(a.detach() + h, x.detach() + h * a.grad) - p(a.detach() - h, x.detach() - h * a.grad)) / (2 * h)
        density = ((value - 1) * x.detach().log() - x.detach() - a.detach().lgamma()).exp()
        good = density > 1e-3 * density.max() if value > 1 else x.detach() > 1e-3
        assert (total / density)[good].abs().max() < 1e-5


def test_gradients_of_points_of_the_simplex():
    """Their expectation, which is known: that of the means a / sum a."""
    wengert.manual_seed(0)
    a = wengert.tensor([0.7, 2.0, 4.0], dtype=wengert.float64, requires_grad=True)
    x = wengert.distributions.Dirichlet(a).rsample((40_000,)).mean(0)
    mean = wengert.distributions.Dirichlet(a).mean
    for i in range(3):
        ours, = wengert.autograd.grad(x[i], a, retain_graph=True)
        exact, = wengert.autograd.grad(mean[i], a, retain_graph=True)
        np.testing.assert_allclose(ours.numpy(), exact.numpy(), atol=3e-3)
    b = wengert.distributions.Beta(a[:1], a[1:2]).rsample((40_000,)).mean()
    np.testing.assert_allclose(wengert.autograd.grad(b, a)[0].numpy()[:2], [2 / 2.7**2, -0.7 / 2.7**2], atol=3e-3)


def test_checks_can_be_switched_off():
    d = wengert.distributions
    assert d.Normal(0.0, -1.0, validate_args=False).scale.item() == -1
    d.Distribution.set_default_validate_args(False)
    try:
        assert d.Bernoulli(2.0).probs.item() == 2
    finally:
        d.Distribution.set_default_validate_args(True)


@pytest.mark.parametrize("constraint", [
    "real", "real_vector", "positive", "nonnegative", "greater_than(2.)", "greater_than_eq(-1.)", "less_than(.5)", "interval(-1., 3.)", "unit_interval",
    "half_open_interval(0., 2.)", "simplex", "lower_cholesky", "independent(c.positive, 1)"])
@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
def test_transforms_to_constraints(registry, constraint):
    def run(lib):
        d = lib.distributions
        transform = getattr(d, registry)(eval("c." + constraint, {"c": d.constraints}))
        x = lib.tensor([[0.1, -0.5], [2.0, 0.3]], dtype=lib.float64, requires_grad=True)
        y = transform(x)
        return [y, transform.inv(y), *lib.autograd.grad((y * y).sum(), x)]

    assert both(run, words=False)


def test_constraints_of_ones_own():
    d = wengert.distributions
    with pytest.raises(NotImplementedError, match="Cannot transform _Boolean constraints"):
        d.transform_to(d.constraints.boolean)

    class Mine(d.constraints.Constraint):
        pass

    d.transform_to.register(Mine)(lambda constraint: d.ExpTransform())
    assert isinstance(d.transform_to(Mine()), d.ExpTransform)
    with pytest.raises(TypeError, match="Constraint subclass or instance"):
        d.transform_to.register(int, lambda constraint: None)


@pytest.mark.parametrize("text", [
    "Geometric(T(0., .5))", "Geometric()", "Binomial(3, T(2.))", "Multinomial(T(2.), T(.5, .5))", "Multinomial(2, T(.5, .5)).log_prob(T(3., 0.))",
    "MixtureSameFamily(Normal(0., 1.), Normal(T(0., 0.), 1.))", "MixtureSameFamily(Categorical(T(.5, .5)), 3)",
    "MixtureSameFamily(Categorical(T(.5, .5)), Normal(T(0., 0., 0.), 1.))", "StudentT(-1.)", "Binomial(T(1., 2.), T(.5)).enumerate_support()"])
def test_errors_of_the_rarer_families(text):
    assert both(lambda lib: eval(text, scope(lib)))[0] == "raised"


@pytest.mark.parametrize("value", [[0.0], [-0.0], [1e-45], [-1e-45], [1.0], [1.5], [float("inf")], [-float("inf")], [float("nan")], [0.5, float("nan")], []])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32"])
@pytest.mark.parametrize("name", ["real", "real_vector", "positive", "nonnegative", "unit_interval", "integer_interval", "nonnegative_integer"])
def test_satisfied_is_check(name, dtype, value):
    from wengert.distributions import constraints
    constraint = getattr(constraints, name)
    constraint = constraint(0, 1) if name == "integer_interval" else constraint
    if dtype.startswith("int"):
        value = [int(v) for v in value if np.isfinite(v)]
    t = wengert.tensor(value, dtype=getattr(wengert, dtype))
    for tensor in (t, t.expand(2, len(value)), t.repeat(5000 if value else 1)):
        assert constraints.satisfied(constraint, tensor) is bool(constraint.check(tensor).all())


def test_broadcast_all_of_tensors():
    from wengert.distributions.utils import broadcast_all
    x, y = wengert.ones(3, requires_grad=True), wengert.ones(2, 1, requires_grad=True)
    a, b = broadcast_all(x, y)
    assert a.shape == b.shape == (2, 3) and a._is_view() and not a.is_leaf
    (a * b * 2).sum().backward()
    assert x.grad.tolist() == [4.0] * 3 and y.grad.tolist() == [[6.0], [6.0]]
    with pytest.raises(RuntimeError, match=r"The size of tensor a \(3\) must match the size of tensor b \(2\) at non-singleton dimension 0"):
        broadcast_all(x, wengert.ones(2))
    assert [t.tolist() for t in broadcast_all(wengert.ones(2, dtype=wengert.float64), 2)] == [[1.0, 1.0], [2.0, 2.0]]


@pytest.mark.parametrize("matrix", ["covariance_matrix", "precision_matrix", "scale_tril"])
def test_multivariate_normals_of_batches(matrix):
    def run(lib):
        a = lib.arange(18, dtype=lib.float64).reshape(2, 3, 3).cos()
        m = (a @ a.mT + 2 * lib.eye(3, dtype=lib.float64) if matrix != "scale_tril" else a.tril() + 3 * lib.eye(3, dtype=lib.float64)).requires_grad_()
        loc = lib.arange(3, dtype=lib.float64).requires_grad_()
        d = lib.distributions.MultivariateNormal(loc, **{matrix: m})
        x = d.rsample((4,))
        p = d.log_prob(x.detach())
        (p.sum() + x.pow(2).sum() + d.entropy().sum()).backward()
        q = lib.distributions.MultivariateNormal(loc.detach() + 1, scale_tril=lib.eye(3, dtype=lib.float64))
        return [x, p, d.precision_matrix, d.covariance_matrix, d.scale_tril, lib.distributions.kl_divergence(q, d), loc.grad, m.grad]
    both(run, rtol=1e-8)


def test_multivariate_normals_of_indefinite_matrices():
    both(lambda lib: lib.distributions.MultivariateNormal(lib.zeros(2), lib.tensor([[1.0, 2.0], [2.0, 1.0]])), words=False)
    both(lambda lib: lib.distributions.MultivariateNormal(lib.zeros(2), lib.tensor([[1.0, 2.0], [2.0, 1.0]]), validate_args=False), words=False)
    both(lambda lib: lib.distributions.constraints.positive_definite.check(lib.tensor([[[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]])))
    both(lambda lib: lib.distributions.constraints.positive_semidefinite.check(lib.tensor([[[1.0, 2.0], [2.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]])))


ROUNDED = {"VonMises(T(.5, -1.), T(1., 20.))": "T(.3, .2)", "VonMises(T(.5), T(.1, 50.))": "T(.3, .2)",
           "GeneralizedPareto(T(0., .1), T(1., 2.), T(.3, 0.))": "T(.3, .2)", "GeneralizedPareto(T(0., .1), T(1., 2.), T(-.3, -.4))": "T(.3, .2)",
           "GeneralizedPareto(T(0.), T(1.), T(1.3, .7))": "T(.3, .2)"}


@pytest.mark.parametrize("make", ROUNDED)
@pytest.mark.parametrize("text", ["D", "D.sample((7, 3))", "D.log_prob(V)", "D.mean", "D.mode", "D.variance", "D.stddev", "D.expand((3, 2)).sample()", "D.batch_shape",
                                  "D.cdf(V)", "D.icdf(V)", "D.entropy()", "D.has_rsample", "D.log_prob(V - 9)", "grad"])
def test_families_that_torch_rounds(make, text):
    """Their functions are rounded polynomials in torch, or take float32 only."""
    def run(lib):
        s = scope(lib, "float32", grad=text == "grad")
        s["D"], s["V"] = eval(make, s), eval(ROUNDED[make], s)
        if text == "grad":
            return list(lib.autograd.grad(s["D"].log_prob(s["V"]).sum(), s["leaves"]))
        return repr(s["D"]) if text == "D" else eval(text, s)

    both(run, 2e-5, words=False)


@pytest.mark.parametrize("text", [
    "LowRankMultivariateNormal(T(1.), T([1.], [2.]), T(1.))", "LowRankMultivariateNormal(T(1., 2.), T(1., 2.), T(1., 2.))",
    "LowRankMultivariateNormal(T(1., 2.), T([1.], [2.]), T(1.))", "LKJCholesky(1, T(1.))", "Wishart(T(1.), scale_tril=T([1., 0.], [0., 1.]))",
    "ContinuousBernoulli()", "ContinuousBernoulli(T(.2), T(.3))", "Kumaraswamy(T(-1.), T(1.))", "VonMises(T(0.), T(-1.))",
    "LowRankMultivariateNormal(T(1., 2.), T([1.], [2.]), T(1., -2.))", "constraints.corr_cholesky.check(T([1., 0.], [.6, .8]))",
    "constraints.corr_cholesky.check(T([1., 0.], [.6, .7]))", "repr(constraints.corr_cholesky)",
    "[getattr(LowRankMultivariateNormal(T(1., 2.), T([1.], [2.]), T(1., 3.)), n) for n in ('covariance_matrix', 'precision_matrix', 'scale_tril')]",
])
def test_more_families(text):
    both(lambda lib: eval(text, scope(lib)), words=False)


@pytest.mark.parametrize("lib", LIBRARIES, ids=["wengert", "torch"])
def test_a_wishart_distribution_of_nothing(lib):
    with pytest.raises(AssertionError, match="Exactly one of covariance_matrix or precision_matrix or scale_tril"):
        lib.distributions.Wishart(lib.tensor(3.0))


@pytest.mark.parametrize("name", sorted(name for name in wengert.distributions.__all__ if name[0].isupper()))
def test_every_family_stands_in_the_module_that_torch_has(name):
    module = getattr(torch.distributions, name).__module__
    if not module.endswith(".transforms"):
        assert getattr(importlib.import_module(module.replace("torch", "wengert", 1)), name) is getattr(wengert.distributions, name)


def test_von_mises_without_an_angle_to_accept():
    samples = wengert.distributions.VonMises(wengert.zeros(2), wengert.tensor([float("inf"), 2.0])).sample((5,))
    assert samples[:, 0].isnan().all() and samples[:, 1].isfinite().all()
