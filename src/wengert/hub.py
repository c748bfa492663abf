"""torch.hub: wengert downloads nothing; names that libraries import are here, and the folder that they look into."""
import os
import re
from urllib.parse import urlparse  # noqa: F401

__all__ = ["load", "list", "help", "load_state_dict_from_url", "download_url_to_file", "get_dir", "set_dir"]

#: the part of a file's hash in its name: "resnet18-bfd8deac.pth"
HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")
_dir = None


def get_dir():
    """The folder of `set_dir`, else "hub" in $TORCH_HOME, else in $XDG_CACHE_HOME/torch, else in ~/.cache/torch."""
    if _dir is not None:
        return _dir
    cache = os.getenv("XDG_CACHE_HOME", os.path.join("~", ".cache"))
    return os.path.join(os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(cache, "torch"))), "hub")


def set_dir(d):
    """Sets what `get_dir` returns."""
    global _dir
    _dir = os.path.expanduser(d)


def _no_hub(*args, **kwargs):
    """Raises: wengert downloads nothing."""
    raise NotImplementedError("wengert has no torch.hub: download weights with your own tools, build the module in Python and load "
                              "its state_dict with torch.load")


load = list = help = load_state_dict_from_url = download_url_to_file = _no_hub
