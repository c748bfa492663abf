"""torch.futures: results that are still to come, from another thread or a callback."""
import threading

__all__ = ["Future", "collect_all", "wait_all"]


class Future:
    """A result, or an exception, that somebody sets once.

    Args:
        devices: of the CPU only.
    """

    def __class_getitem__(cls, item):
        return cls

    def __init__(self, *, devices=None):
        if devices:
            from .types import check_device
            for device in devices:
                check_device(device)
        self._ready, self._lock, self._callbacks, self._result, self._error = threading.Event(), threading.Lock(), [], None, None

    def done(self):
        """Has it been set?"""
        return self._ready.is_set()

    def wait(self):
        """The result, once it is there; raises the exception, if that was set."""
        self._ready.wait()
        return self.value()

    def value(self):
        """The result, which must be there."""
        if not self._ready.is_set():
            raise RuntimeError("value() called before the future was completed")
        if self._error is not None:
            raise self._error
        return self._result

    def _set(self, result, error):
        with self._lock:
            if self._ready.is_set():
                raise RuntimeError("Future can only be marked completed once, but it already has been")
            self._result, self._error = result, error
            self._ready.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def set_result(self, result):
        """Sets the result and runs the callbacks."""
        self._set(result, None)

    def set_exception(self, result):
        """Sets an exception, which `wait` raises.

        Raises:
            AssertionError: no exception.
        """
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._set(None, result)

    def add_done_callback(self, callback):
        """Calls ``callback(future)`` when it is set, at once if it is."""
        with self._lock:
            if not self._ready.is_set():
                self._callbacks.append(callback)
                return
        callback(self)

    def then(self, callback):
        """A future of what ``callback(future)`` returns or raises."""
        following = Future()

        def follow(future):
            try:
                result = callback(future)
            except Exception as error:
                following.set_exception(error)
            else:
                following.set_result(result)
        self.add_done_callback(follow)
        return following


def collect_all(futures):
    """A future of the list of futures, set when all of them are."""
    futures, together = list(futures), Future()
    if not futures:
        together.set_result([])
        return together
    left, lock = [len(futures)], threading.Lock()

    def count(_):
        with lock:
            left[0] -= 1
            last = left[0] == 0
        if last:
            together.set_result(futures)
    for future in futures:
        future.add_done_callback(count)
    return together


def wait_all(futures):
    """The results of all, in order; raises the first exception among them."""
    return [future.wait() for future in collect_all(futures).wait()]
