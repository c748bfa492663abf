"""Versions that compare with texts and tuples: ``torch.__version__ >= (2, 1)``."""
import re

__all__ = ["TorchVersion"]


def _key(version):
    """Numbers of a release, whether it is one (what precedes it, like 2.0.0a0 or 2.1rc1, comes before), and its build."""
    if isinstance(version, (tuple, list)):
        version = ".".join(map(str, version))
    match = re.match(r"v?(\d+(?:\.\d+)*)[-_.]?(a|b|rc|dev)?[^+]*(?:\+(.*))?", str(version))
    if match is None:
        raise ValueError(f"Invalid version: {str(version)!r}")
    numbers = [int(part) for part in match[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers, match[2] is None, match[3] or ""


class TorchVersion(str):
    """A version as a text. Comparisons are of versions: 2.13 comes after 2.9, and a build, 2.13+cpu, after 2.13.

    Raises:
        ValueError: it is compared with what is no version.
    """

    def __lt__(self, other):
        return _key(self) < _key(other)

    def __le__(self, other):
        return _key(self) <= _key(other)

    def __eq__(self, other):
        return str.__eq__(self, other) is True or isinstance(other, (str, tuple, list)) and _key(self) == _key(other)

    def __ne__(self, other):
        return not self == other

    def __gt__(self, other):
        return _key(self) > _key(other)

    def __ge__(self, other):
        return _key(self) >= _key(other)

    __hash__ = str.__hash__
