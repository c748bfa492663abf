"""Divergences across families, exponential families, transforms of parts and matrices, against PyTorch."""
import itertools

import pytest
from against_torch import torch
from distributions_like_torch import both, differentiate, scope

import wengert
import wengert.distributions
from wengert.distributions.kl import _pairs

MADE = {
    "Bernoulli": "Bernoulli(T(.3, .6))", "Beta": "Beta(T(.5, 3.), T(1., 2.))", "Binomial": "Binomial(5, T(.3, .8))",
    "Categorical": "Categorical(T(.2, .3, .5))", "Cauchy": "Cauchy(T(.5, -1.), T(1., 2.))", "ContinuousBernoulli": "ContinuousBernoulli(T(.2, .5))",
    "Dirichlet": "Dirichlet(T(.5, 1., 2.))", "Exponential": "Exponential(T(.5, 2.))", "Gamma": "Gamma(T(.5, 3.), T(1., 2.))",
    "Geometric": "Geometric(T(.3, .8))", "Gumbel": "Gumbel(T(.5, -1.), T(1., 2.))", "HalfNormal": "HalfNormal(T(.5, 2.))",
    "Laplace": "Laplace(T(.5, -1.), T(1., 2.))", "Normal": "Normal(T(.5, -1.), T(1., 2.))", "Pareto": "Pareto(T(.1, .2, .3), T(.5, 1.5, 4.))",
    "Poisson": "Poisson(T(.5, 20.))", "Uniform": "Uniform(T(.3, -1., 0.), T(.9, .5, 2.))",
    "LowRankMultivariateNormal": "LowRankMultivariateNormal(T(.5, 1., 2.), T([1.], [.5], [.1]), T(1., 2., 3.))",
    "MultivariateNormal": "MultivariateNormal(T([.5, 1., 2.], [0., 0., 1.]), scale_tril=T([1., 0., 0.], [.5, 2., 0.], [.1, .2, .3]))",
}
OTHERS = {
    "Bernoulli": "Bernoulli(T(.5, .1))", "Beta": "Beta(T(2.), T(.7))", "Binomial": "Binomial(5, T(.4, .2))", "Cauchy": "Cauchy(T(0.), T(3.))",
    "ContinuousBernoulli": "ContinuousBernoulli(T(.7))", "Exponential": "Exponential(T(1.5))", "Gamma": "Gamma(T(1.5), T(.4))",
    "Geometric": "Geometric(T(.5))", "Gumbel": "Gumbel(T(.2), T(1.5))", "Laplace": "Laplace(T(.2), T(1.5))", "Normal": "Normal(T(.2), T(1.5))",
    "Pareto": "Pareto(T(.2), T(1.5))", "Poisson": "Poisson(T(2.))", "Uniform": "Uniform(T(-1.), T(1.5))",
    "LowRankMultivariateNormal": "LowRankMultivariateNormal(T(1., 1., 1.), T([2., .1], [.5, .2], [1., .3]), T(2., 1., 1.))",
    "MultivariateNormal": "MultivariateNormal(T(1., 1., 1.), scale_tril=T([2., 0., 0.], [1., 1., 0.], [.3, .2, 1.]))",
}
ACROSS = sorted((p.__name__, q.__name__) for p, q in _pairs if p.__name__ in MADE and q.__name__ in OTHERS)
#: torch answers infinity though the interval holds [0, 1], and adds up over the batch
CLOSER = {("ContinuousBernoulli", "Uniform")}


def divergence(lib, p, q, gradients=True):
    s = scope(lib, grad=True)
    p, q = eval(p, s), eval(q, s)
    value = lib.distributions.kl_divergence(p, q)
    finite = value.isfinite()
    if not gradients or not value.requires_grad or not bool(finite.all()):
        return [value]
    return [value, differentiate(lib, s, value)]


@pytest.mark.parametrize("pair", ACROSS, ids="-".join)
def test_divergences_across_families(pair):
    def run(lib):
        q = OTHERS[pair[1]]
        if pair[0] in ("Pareto", "Uniform") and pair[1] == "Pareto":
            q = "Pareto(T(.05, .25, .1), T(1.5))"
        if pair in CLOSER:
            q = "Uniform(T(-1., .1, -.5), T(1.5))"
            return divergence(lib, "ContinuousBernoulli(T(.2, .3, .5))", q)
        return divergence(lib, MADE[pair[0]], q)

    assert len(ACROSS) > 70
    # torch's trigamma is right to 8e-10
    assert both(run, 2e-9)[0] == "returned"


def test_a_continuous_bernoulli_variable_lies_between_0_and_1():
    """torch answers infinity where the uniform distribution is that on [0, 1] itself."""
    d = wengert.distributions
    p, q = d.ContinuousBernoulli(wengert.tensor(0.3)), d.Uniform(0.0, 1.0)
    assert d.kl_divergence(p, q).item() == pytest.approx(-p.entropy().item(), rel=1e-6)


@pytest.mark.parametrize("pair", [
    ("Wishart(T(3.5), covariance_matrix=T([2., .5], [.5, 1.]))", "Wishart(T(4.5), covariance_matrix=T([1., .1], [.1, 1.]))"),
    ("Chi2(T(3., 4.))", "Gamma(T(2.), T(1.))"), ("Normal(0., 1.)", "Bernoulli(.5)"), ("Normal(T(0.), T(1.))", "Poisson(T(1.))"),
    ("Binomial(3, T(.5))", "Binomial(4, T(.5))"), ("Binomial(T(3., 5.), T(.5))", "Binomial(3, T(.4))"),
    ("HalfNormal(T(1.))", "Exponential(T(1.))"), ("Exponential(T(1., 2.))", "Pareto(T([1.], [2.], [3.]), T(1.))"),
    ("Poisson(T(1., 2.))", "Binomial(3, T(.4))"), (MADE["MultivariateNormal"], "MultivariateNormal(T(0., 0.), T([1., 0.], [0., 1.]))"),
    (MADE["MultivariateNormal"], "LowRankMultivariateNormal(T(0., 0.), T([1.], [0.]), T(1., 1.))"),
    (MADE["LowRankMultivariateNormal"], "LowRankMultivariateNormal(T(0., 0.), T([1.], [0.]), T(1., 1.))"),
])
def test_other_divergences(pair):
    both(lambda lib: divergence(lib, *pair), words=False)


def test_divergences_of_a_batch_of_wishart_distributions():
    """Each is that of one alone; torch's are a sum over the batch."""
    d, eye = wengert.distributions, wengert.eye(2)
    each = [d.kl_divergence(d.Wishart(wengert.tensor(a), eye), d.Wishart(wengert.tensor(b), 2 * eye)) for a, b in ((4.0, 5.0), (3.0, 6.0))]
    both = d.kl_divergence(d.Wishart(wengert.tensor([4.0, 3.0]), eye), d.Wishart(wengert.tensor([5.0, 6.0]), 2 * eye))
    assert both.tolist() == pytest.approx([x.item() for x in each], rel=1e-6)


FAMILIES = ["Bernoulli", "Beta", "ContinuousBernoulli", "Dirichlet", "Exponential", "Gamma", "Normal", "Poisson"]


@pytest.mark.parametrize("make", [*(MADE[name] for name in FAMILIES), "Chi2(T(3., 4.))", "ContinuousBernoulli(T(.4995, .3))",
                                  "Wishart(T(3.5), covariance_matrix=T([2., .5], [.5, 1.]))"])
def test_exponential_families(make):
    def run(lib):
        s = scope(lib, grad=True)
        p = eval(make, s)
        family = lib.distributions.ExponentialFamily
        assert isinstance(p, family)
        natural = p._natural_params
        value = p._log_normalizer(*natural)
        result = [*natural, value, differentiate(lib, s, value)]
        return result if make.startswith(("Poisson", "Beta", "Dirichlet")) else [*result, family.entropy(p)]

    assert both(run, 2e-9)[0] == "returned"


def test_an_exp_family_of_ones_own():
    """Rayleigh's distribution needs its normaliser only."""
    def run(lib):
        d = lib.distributions

        class Rayleigh(d.ExponentialFamily):
            arg_constraints = {"scale": d.constraints.positive}
            support = d.constraints.positive

            def __init__(self, scale):
                self.scale = scale
                super().__init__(scale.shape)

            @property
            def _natural_params(self):
                return (-0.5 / self.scale.pow(2),)

            def _log_normalizer(self, x):
                return -(-2 * x).log()

            _mean_carrier_measure = 0.25

        p, q = (Rayleigh(lib.tensor(s, dtype=lib.float64, requires_grad=True)) for s in ([1.0, 2.0], [0.5, 3.0]))
        value = d.kl_divergence(p, q)
        return [value, lib.autograd.grad(value.sum(), q.scale)[0], p.entropy()]

    assert both(run)[0] == "returned"


TRANSFORMS = {
    "CatTransform([ExpTransform(), TanhTransform()], dim=-1, lengths=[1, 2])": (2, 3), "CatTransform([ExpTransform(), SigmoidTransform()], dim=0)": (2, 3),
    "CatTransform([SoftplusTransform(), StickBreakingTransform().inv.inv], dim=0)": None,
    "CatTransform([IndependentTransform(ExpTransform(), 1), AffineTransform(1., 2.)], dim=-1, lengths=[2, 1])": (4, 3),
    "CatTransform([ExpTransform(), ExpTransform(cache_size=1)], dim=1, lengths=[1, 2], cache_size=1)": (2, 3),
    "StackTransform([ExpTransform(), TanhTransform()], dim=-1)": (3, 2), "StackTransform([ExpTransform(), identity_transform], dim=0, cache_size=1)": (2, 3),
    "ReshapeTransform((2, 3), (6,))": (4, 2, 3), "ReshapeTransform((), (1, 1))": (2,),
    "CorrCholeskyTransform()": (4, 6), "CorrCholeskyTransform(cache_size=1)": (1,), "PositiveDefiniteTransform()": (2, 3, 3),
    "CumulativeDistributionTransform(Normal(T(.5), T(2.)))": (3,), "ComposeTransform([CumulativeDistributionTransform(Cauchy(T(.5), T(2.))), SigmoidTransform().inv])": (3,),
}


@pytest.mark.parametrize("make, shape", TRANSFORMS.items())
def test_transforms_of_parts_and_matrices(make, shape):
    def run(lib):
        s = scope(lib)
        f = eval(make, s)
        told = [f.bijective, f.domain.event_dim, f.codomain.event_dim, repr(f)[:8]]
        if shape is None:
            return told
        x = lib.randn(shape, dtype=lib.float64).requires_grad_()
        y = f(x)
        result = [*told, y, f.inv(y.detach().clone()), *lib.autograd.grad((y * y).sum(), x, retain_graph=True), f.domain.check(x), f.codomain.check(y),
                  tuple(f.forward_shape(x.shape)), tuple(f.inverse_shape(y.shape)), f.with_cache(1).inv.inv(x)]
        if f.bijective:
            j = f.log_abs_det_jacobian(x, y)
            result += [j, lib.autograd.grad(j.sum(), x)[0] if j.requires_grad else 0, f.inv.log_abs_det_jacobian(y, x)]
        return result

    both(run, 1e-9, words=False)


def test_transforms_that_are_modules():
    def run(lib):
        class Scale(lib.distributions.Transform, lib.nn.Module):
            domain = codomain = lib.distributions.constraints.real
            bijective = True

            def __init__(self):
                super().__init__(cache_size=1)
                self.inner = lib.nn.Linear(1, 1)
                self.log = lib.nn.Parameter(lib.tensor(0.5))

            def _call(self, x):
                return x * self.log.exp()

            def log_abs_det_jacobian(self, x, y):
                return self.log.expand(x.shape)

        f = Scale()
        x = lib.ones(2)
        return [f(x), f.inv(f(x)), sorted(f.state_dict())]

    assert both(run, 1e-6)[0] == "returned"


@pytest.mark.parametrize("text", [
    "CatTransform([ExpTransform(), 3])", "CatTransform([ExpTransform()], lengths=[1, 2])", "CatTransform([ExpTransform()])(T(1., 2., 3.))",
    "CatTransform([ExpTransform()], dim=2)(T(1., 2., 3.))", "StackTransform([ExpTransform()], dim=2)(T(1., 2., 3.))",
    "StackTransform([ExpTransform()])(T(1., 2., 3.))", "c.cat([c.positive, 3])", "c.cat([c.positive], lengths=[1, 2])", "c.stack([c.positive, 3])",
    "c.stack([c.positive], dim=5).check(T(1., 2.))", "c.MixtureSameFamilyConstraint(3)"])
def test_assertions_of_parts(text):
    messages = []
    for lib in (wengert, torch):
        with pytest.raises(AssertionError) as error:
            eval(text, {**scope(lib), "c": lib.distributions.constraints})
        messages.append(str(error.value).replace("wengert.", "torch."))
    if "Mixture" not in text:
        assert messages[0] == messages[1]


@pytest.mark.parametrize("text", [
    "ReshapeTransform((2,), (3,))", "ReshapeTransform((2,), (2, 1)).forward_shape((3,))", "ReshapeTransform((2,), (2, 1)).forward_shape(())",
    "CorrCholeskyTransform().forward_shape((4,))", "CorrCholeskyTransform().forward_shape(())", "CorrCholeskyTransform().inverse_shape((3,))",
    "CorrCholeskyTransform().inverse_shape((3, 2))", "CorrCholeskyTransform().event_dim", "ExpTransform().event_dim", "StickBreakingTransform().event_dim",
    "d.utils.vec_to_tril_matrix(T(1., 2., 3., 4., 5., 6.))", "d.utils.vec_to_tril_matrix(T(1., 2., 3.), diag=-1)", "d.utils.vec_to_tril_matrix(T([1.], [2.]), diag=-1)",
    "d.utils.tril_matrix_to_vec(T([1., 2.], [3., 4.]))", "d.utils.tril_matrix_to_vec(T([1., 2.], [3., 4.]), diag=-1)",
    "d.utils.tril_matrix_to_vec(T([1., 2.], [3., 4.]), diag=2)", "c.cat([c.positive, c.real], dim=-1, lengths=[2, 1]).check(T([1., -2., -3.], [1., 2., 3.]))",
    "c.stack([c.positive, c.real], dim=-1).check(T([1., -2.], [-1., 2.]))", "c.stack([c.simplex, c.real_vector], dim=-2).event_dim",
    "c.cat([c.positive, c.real_vector]).event_dim", "c.cat([c.boolean, c.real]).is_discrete", "repr([c.cat([c.positive]), c.stack([c.positive])])",
    "repr(MixtureSameFamily(Categorical(T(1., 1.)), Normal(T(0., 1.), T(1.))).support)", "Poisson(T(1.)).entropy()",
    "MixtureSameFamily(Categorical(T(1., 1.)), Uniform(T(0., 1.), T(3., 2.))).log_prob(T(1.5))",
    "MixtureSameFamily(Categorical(T(1., 1.)), Uniform(T(0., 1.), T(3., 2.))).log_prob(T(2.5))",
    "MixtureSameFamily(Categorical(T(1., 1.)), Dirichlet(T([1., 2.], [3., 4.]))).log_prob(T(.5, .5))",
])
def test_what_parts_tell(text):
    both(lambda lib: eval(text, {**scope(lib), "c": lib.distributions.constraints}))


@pytest.mark.parametrize("registry, constraint", [
    *itertools.product(("biject_to", "transform_to"), ("corr_cholesky", "cat([c.positive, c.real], -1)", "stack([c.unit_interval, c.real], -1)",
                                                       "cat([c.positive, c.real], dim=0)")),
    ("transform_to", "positive_definite"), ("transform_to", "positive_semidefinite"), ("biject_to", "positive_definite")])
def test_transforms_to_constraints_of_parts(registry, constraint):
    def run(lib):
        d = lib.distributions
        transform = getattr(d, registry)(eval("c." + constraint, {"c": d.constraints}))
        x = lib.randn((3, 3) if "corr" in constraint or "definite" in constraint else (2, 2), dtype=lib.float64).requires_grad_()
        y = transform(x)
        return [y, transform.inv(y), *lib.autograd.grad((y * y).sum(), x)]

    both(run, words=False)
