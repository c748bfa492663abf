"""Differences that are known, each with its reason. What is not listed here and differs is a failure."""
import fnmatch

#: (what, names, variants, dtypes, kinds, reason); patterns, several separated by spaces
KNOWN = []


def reason(what, name, variant, dtype, kind):
    """Why this difference is known, or None."""
    for w, names, variants, dtypes, kinds, why in KNOWN:
        if w == what and all(any(fnmatch.fnmatchcase(value, p) for p in patterns.split()) for value, patterns in (
                (name, names), (variant, variants), (dtype or "-", dtypes), (kind.replace(" ", "-"), kinds))):
            return why
    return None
