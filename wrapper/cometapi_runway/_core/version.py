"""The version, once; reading it from the installed metadata costs 40 ms at every start."""

__version__ = "0.1.0"
