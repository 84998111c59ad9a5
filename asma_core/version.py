"""The version, by itself: records name it, and must not import the public way in for it."""

from typing import Final

__version__: Final = "0.1.0"
