"""Targeted attacks on medical image segmentation networks, with the record of every run.

    import asma_core as asma

    dataset = asma.open_dataset("demo-fundus")
    asma.attack("demo-fundus-unet", dataset[3], dataset[7])

Every name is imported when it is first used, so that the package itself costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from asma_core.version import __version__ as __version__

if TYPE_CHECKING:
    from asma_core.api.attacking import attack as attack
    from asma_core.api.networks import load_model as load_model
    from asma_core.api.results import Result as Result
    from asma_core.api.results import Results as Results
    from asma_core.api.surviving import survives as survives
    from asma_core.api.tables import attacks as attacks
    from asma_core.api.tables import datasets as datasets
    from asma_core.api.tables import models as models
    from asma_core.api.tables import open_dataset as open_dataset
    from asma_core.api.tables import runs as runs
    from asma_core.data.datasets import Dataset as Dataset
    from asma_core.data.items import Item as Item
    from asma_core.data.masks.label_maps import Mask as Mask
    from asma_core.errors import AsmaError as AsmaError
    from asma_core.errors import DeviceError as DeviceError
    from asma_core.errors import InputError as InputError
    from asma_core.errors import ModelError as ModelError
    from asma_core.errors import StoreError as StoreError
    from asma_core.errors import UnknownNameError as UnknownNameError
    from asma_core.models.sources.model_card import ModelCard as ModelCard

# Where the names above stand.
PLACES: Final = {
    "attack": "asma_core.api.attacking",
    "load_model": "asma_core.api.networks",
    "open_dataset": "asma_core.api.tables",
    "attacks": "asma_core.api.tables",
    "models": "asma_core.api.tables",
    "datasets": "asma_core.api.tables",
    "runs": "asma_core.api.tables",
    "survives": "asma_core.api.surviving",
    "Result": "asma_core.api.results",
    "Results": "asma_core.api.results",
    "Dataset": "asma_core.data.datasets",
    "Item": "asma_core.data.items",
    "Mask": "asma_core.data.masks.label_maps",
    "ModelCard": "asma_core.models.sources.model_card",
    "AsmaError": "asma_core.errors",
    "InputError": "asma_core.errors",
    "UnknownNameError": "asma_core.errors",
    "ModelError": "asma_core.errors",
    "DeviceError": "asma_core.errors",
    "StoreError": "asma_core.errors",
}
__all__ = [
    "AsmaError",
    "Dataset",
    "DeviceError",
    "InputError",
    "Item",
    "Mask",
    "ModelCard",
    "ModelError",
    "Result",
    "Results",
    "StoreError",
    "UnknownNameError",
    "__version__",
    "attack",
    "attacks",
    "datasets",
    "load_model",
    "models",
    "open_dataset",
    "runs",
    "survives",
]


class _Room(ModuleType):
    """A room of the package that, called, lists what is in it: `attacks()`, `models()`, `runs()`.

    Room and table share their name: once anything in it is imported, Python puts the room itself
    where the table's name is looked up.
    """

    def __call__(self, *given: Any, **named: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(import_module(PLACES[name]), name)(*given, **named)


for _name in ("attacks", "models", "runs"):
    import_module(f"{__name__}.{_name}").__class__ = _Room


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(PLACES[name]), name)
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
