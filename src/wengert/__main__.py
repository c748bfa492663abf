"""``python -m wengert script.py``: runs a program written for PyTorch, its ``import torch`` served by wengert."""
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import runpy
import sys


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds torch and torch.x.y as wengert and wengert.x.y; one module object under both names."""

    def find_spec(self, name, path=None, target=None):
        if name != "torch" and not name.startswith("torch."):
            return None
        own = "wengert" + name[5:]
        try:
            if importlib.util.find_spec(own) is None:
                return None
        except ModuleNotFoundError:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = importlib.import_module("wengert" + spec.name[5:])
        self._kept = {key: getattr(module, key, None) for key in ("__spec__", "__loader__", "__package__", "__name__")}
        return module

    def exec_module(self, module):
        for key, value in self._kept.items():              # the import system relabelled it as torch's
            setattr(module, key, value)


def serve_torch():
    """From now on ``import torch`` in this process means wengert.

    ``torch.__version__``, which libraries compare with the versions that they need, is then that of the PyTorch whose interface
    wengert has, followed by "+wengert".

    Raises:
        RuntimeError: the real torch is loaded already.
    """
    if "torch" in sys.modules and not getattr(sys.modules["torch"], "__name__", "").startswith("wengert"):
        raise RuntimeError("the real torch is loaded already")
    sys.meta_path.insert(0, _Finder())
    from . import version
    from .torch_version import TorchVersion
    torch = importlib.import_module("torch")
    version.__version__ = torch.__version__ = TorchVersion(version.torch_version + "+wengert")
    torch.__name__ = "torch"                               # which libraries that replace functions of it by their paths compare


def main():
    """Runs the script or module (-m) named on the command line."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: python -m wengert [-m] script.py|module [arguments]\n\n" + __doc__.partition(": ")[2])
        return
    serve_torch()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        import os
        sys.path[0] = os.path.dirname(os.path.abspath(arguments[0]))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
