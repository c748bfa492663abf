"""The scaler of gradients, which float32 does not need: always off."""
import warnings

__all__ = ["GradScaler"]


class GradScaler:
    """Lets programs for mixed precision run: `scale` returns the loss, `step` calls the optimizer.

    Args:
        device: "cuda" and other absent devices warn and are off, as they are in PyTorch without such a device.
        enabled: False switches off.

    Raises:
        NotImplementedError: for the CPU and enabled.
    """

    def __init__(self, device="cuda", init_scale=65536.0, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000, enabled=True):
        if enabled:
            if device == "cpu":
                raise NotImplementedError("wengert computes in float32, whose gradients need no scaling: pass enabled=False")
            warnings.warn(f"torch.amp.GradScaler is enabled, but {device.upper()} is not available. Disabling.", stacklevel=2)
        self._enabled = False
        self._factors = [growth_factor, backoff_factor, growth_interval]

    def scale(self, outputs):
        """The outputs unchanged."""
        return outputs

    def unscale_(self, optimizer):
        """Nothing to divide by."""

    def step(self, optimizer, *args, **kwargs):
        """``optimizer.step(*args, **kwargs)``."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale=None):
        """Nothing to adapt."""

    def get_scale(self):
        """1.0."""
        return 1.0

    def is_enabled(self):
        """False."""
        return False

    def get_growth_factor(self):
        """What was given."""
        return self._factors[0]

    def get_backoff_factor(self):
        """What was given."""
        return self._factors[1]

    def get_growth_interval(self):
        """What was given."""
        return self._factors[2]

    def set_growth_factor(self, new_factor):
        """Remembers it."""
        self._factors[0] = new_factor

    def set_backoff_factor(self, new_factor):
        """Remembers it."""
        self._factors[1] = new_factor

    def set_growth_interval(self, new_interval):
        """Remembers it."""
        self._factors[2] = new_interval

    def state_dict(self):
        """Empty: it is off."""
        return {}

    def load_state_dict(self, state_dict):
        """Accepts what a scaler saved: there is nothing to restore."""
