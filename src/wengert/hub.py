"""torch.hub: wengert downloads nothing."""

__all__ = ["load", "list", "help", "load_state_dict_from_url", "download_url_to_file", "get_dir", "set_dir"]


def _no_hub(*args, **kwargs):
    """Raises: wengert downloads nothing."""
    raise NotImplementedError("wengert has no torch.hub: download weights with your own tools, build the module in Python and load "
                              "its state_dict with torch.load")


load = list = help = load_state_dict_from_url = download_url_to_file = get_dir = set_dir = _no_hub
