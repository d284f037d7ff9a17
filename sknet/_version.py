"""The version of this package, which models carry with them."""

__version__ = "0.1.0"
