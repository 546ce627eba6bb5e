"""Plimsoll: satellite scenes in, barrels out, each number with its interval."""

__version__ = "0.1.0"
