"""Where composites register their names."""
functions, methods = {}, {}


def public(function=None, *, method=True, torch=True, name=None, aliases=()):
    """Makes a function part of the torch namespace and a method of Tensor, unless told otherwise."""
    if function is None:
        return lambda f: public(f, method=method, torch=torch, name=name, aliases=aliases)
    for alias in (name or function.__name__, *aliases):
        if torch:
            functions[alias] = function
        if method:
            methods[alias] = function
    return function
