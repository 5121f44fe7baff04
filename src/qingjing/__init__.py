"""Qingjing 清净: no marketing SMS without consent, and a refusal that works."""

__version__ = "0.1.0"
