"""Quantised kernels, which wengert does not have."""
engine = "none"
supported_engines = ["none"]
