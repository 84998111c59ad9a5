"""torch, imported when it is first used.

An attack's settings stand in the attack's own file, and pages and the command line read them: these
must not wait seconds for torch.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any


class LazyModule(ModuleType):
    """A module that is imported when something in it is asked for."""

    def __getattr__(self, name: str) -> Any:
        """Import the module, and keep what was asked for."""
        # Tools that look at every module of a process ask for such names.
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)
        return value


if TYPE_CHECKING:
    import torch as torch
    from torch import Tensor as Tensor
else:
    torch = LazyModule("torch")
    # For annotations alone; what is asked at run time is `torch.Tensor`.
    Tensor = Any
