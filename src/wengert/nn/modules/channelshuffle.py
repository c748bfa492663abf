"""Where PyTorch keeps ChannelShuffle."""

from .pixelshuffle import ChannelShuffle

__all__ = ["ChannelShuffle"]
