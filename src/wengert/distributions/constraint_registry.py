"""From a constraint to a transform of unconstrained numbers to what satisfies it."""
from . import constraints, transforms

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Finds the transform for a constraint by the constraint's type."""

    def __init__(self):
        self._factories = {}

    def register(self, constraint, factory=None):
        """Notes ``factory(constraint)`` for the type of a constraint; a decorator where no factory is given.

        Raises:
            TypeError: neither a subclass nor an instance of Constraint.
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        if isinstance(constraint, constraints.Constraint):
            constraint = type(constraint)
        if not isinstance(constraint, type) or not issubclass(constraint, constraints.Constraint):
            raise TypeError(f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}")
        self._factories[constraint] = factory
        return factory

    def __call__(self, constraint):
        """The transform for a constraint.

        Raises:
            NotImplementedError: none is registered.
        """
        factory = self._factories.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


#: bijections, whose Jacobians are known, and transforms that need be neither
biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _to_interval(constraint):
    low, high = constraint.lower_bound, constraint.upper_bound
    if low == 0 and high == 1:
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)])


for _registry in (biject_to, transform_to):
    _registry.register(constraints.real, lambda constraint: transforms.identity_transform)
    _registry.register(constraints.independent, lambda constraint, registry=_registry: transforms.IndependentTransform(
        registry(constraint.base_constraint), constraint.reinterpreted_batch_ndims))
    for _above in (constraints.greater_than, constraints.greater_than_eq):
        _registry.register(_above, lambda constraint: transforms.ExpTransform() if constraint.lower_bound == 0 else transforms.ComposeTransform(
            [transforms.ExpTransform(), transforms.AffineTransform(constraint.lower_bound, 1)]))
    _registry.register(constraints.less_than, lambda constraint: transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(constraint.upper_bound, -1)]))
    for _between in (constraints.interval, constraints.half_open_interval):
        _registry.register(_between, _to_interval)
    _registry.register(constraints.corr_cholesky, lambda constraint: transforms.CorrCholeskyTransform())
    _registry.register(constraints.cat, lambda constraint, registry=_registry: transforms.CatTransform(
        [registry(c) for c in constraint.cseq], constraint.dim, constraint.lengths))
    _registry.register(constraints.stack, lambda constraint, registry=_registry: transforms.StackTransform(
        [registry(c) for c in constraint.cseq], constraint.dim))
biject_to.register(constraints.simplex, lambda constraint: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda constraint: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda constraint: transforms.LowerCholeskyTransform())
for _definite in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(_definite, lambda constraint: transforms.PositiveDefiniteTransform())
