"""The distribution's name and version; reading them from installed metadata takes 40 ms."""

DISTRIBUTION = "cometapi-runway"
__version__ = "0.2.0"
