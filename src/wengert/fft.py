"""torch.fft: programs may import its functions; called, they say what to do instead. There are no complex tensors."""

_NAMES = ("fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "rfft", "irfft", "rfft2", "irfft2", "rfftn", "irfftn", "hfft", "ihfft", "hfft2", "ihfft2",
          "hfftn", "ihfftn", "fftfreq", "rfftfreq", "fftshift", "ifftshift")
__all__ = list(_NAMES)


def _absent(name):
    def function(*args, **kwargs):
        raise NotImplementedError(f"wengert has no torch.fft.{name}: transform with numpy.fft where no gradient is needed, or multiply by the matrix "
                                  "of the transform")
    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Raises NotImplementedError."
    return function


globals().update((name, _absent(name)) for name in _NAMES)
