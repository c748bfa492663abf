"""Walks over a module and what stands below it."""

from ... import _core
from ..parameter import Parameter


class Tree:
    """The part of Module that finds parameters, buffers and submodules."""

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """Yields ``(path, module)`` for this module and all below it, depth first.

        Args:
            memo (set): modules seen already. prefix (str): put before each path.
            remove_duplicate (bool): a module that stands in several places appears once.
        """
        if memo is None:
            memo = set()
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name in list(self._modules):                    # what the loop's body, or another thread, replaces or removes is seen
            module = self._modules.get(name)
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    def modules(self, remove_duplicate=True):
        """Yields this module and all below it, depth first."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self):
        """Yields ``(name, module)`` for the direct submodules, each once."""
        memo = set()
        for name in list(self._modules):
            module = self._modules.get(name)
            if module is not None and module not in memo:
                memo.add(module)
                yield name, module

    def children(self):
        """Yields the direct submodules, each once."""
        for _, module in self.named_children():
            yield module

    def _named_members(self, get_members_fn, prefix="", recurse=True, remove_duplicate=True):
        memo = set()
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        else:
            modules = [(prefix, self)]
        for path, module in modules:
            for name, value in get_members_fn(module):
                if value is None or id(value) in memo:
                    continue
                if remove_duplicate:
                    memo.add(id(value))
                yield (f"{path}.{name}" if path else name), value

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """Yields ``(path, parameter)``; see :meth:`named_modules` for the arguments."""
        if recurse and type(self)._named_members is Tree._named_members:
            for path, value, _, _ in _core.members_below(self, ("_parameters",), Tree.named_modules, prefix, remove_duplicate):
                yield path, value
        else:
            yield from self._named_members(lambda m: list(m._parameters.items()), prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """Yields the parameters of this module and, with ``recurse``, of all below it, each once."""
        if not recurse or self._overrides_parameters():
            for _, param in self.named_parameters(recurse=recurse):
                yield param
            return
        yield from _core.parameters_below(self, Tree.named_modules)

    def _overrides_parameters(self):
        """Must `named_parameters` be asked?"""
        cls = type(self)
        return cls.named_parameters is not Tree.named_parameters or cls._named_members is not Tree._named_members

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """Yields ``(path, buffer)``; see :meth:`named_modules` for the arguments."""
        if recurse and type(self)._named_members is Tree._named_members:
            for path, value, _, _ in _core.members_below(self, ("_buffers",), Tree.named_modules, prefix, remove_duplicate):
                yield path, value
        else:
            yield from self._named_members(lambda m: list(m._buffers.items()), prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """Yields the buffers of this module and, with ``recurse``, of all below it, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target):
        """The module at the dotted path ``target`` ("" is this one). AttributeError: there is none."""
        module = self
        if target == "":
            return module
        for item in target.split("."):
            if not hasattr(module, item):
                raise AttributeError(f"{module._get_name()} has no attribute `{item}`")
            module = getattr(module, item)
            if not isinstance(module, Tree):
                raise AttributeError(f"`{item}` is not an nn.Module")
        return module

    def set_submodule(self, target, module, strict=False):
        """Puts ``module`` at the dotted path ``target``; with ``strict`` only where one stands already."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Tree):
            raise AttributeError(f"`{name}` is not an nn.Module")
        if not isinstance(module, Tree):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        setattr(parent, name, module)

    def get_parameter(self, target):
        """The parameter at the dotted path ``target``. AttributeError: there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        param = getattr(module, name)
        if not isinstance(param, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return param

    def get_buffer(self, target):
        """The buffer at the dotted path ``target``. AttributeError: there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return getattr(module, name)

    def apply(self, fn):
        """Calls ``fn(module)`` on every module below this one and then on this one. Returns self."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self
