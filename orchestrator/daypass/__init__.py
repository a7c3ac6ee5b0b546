"""Daypass gives people just-in-time SSH access to Linux servers and takes it away again."""

__version__ = "0.1.0.dev0"
