"""The network of a bundle: a class of MONAI with plain arguments, or nothing."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from asma_core.errors import ModelError
from asma_core.models.sources.architectures import ARCHITECTURES
from asma_core.models.sources.bundles.references import OWNER_ONLY, plain
from asma_core.models.sources.plain_json import Fields

_MODULE: Final = "monai.networks.nets"
_TARGET: Final = "_target_"
_DESCRIBES: Final = "_desc_"
MOST_OUTPUTS: Final = 256


@dataclass(frozen=True)
class Definition:
    """What a bundle says of its network.

    Attributes:
        architecture: Class of `monai.networks.nets`.
        arguments: What it is called with.
        channels: In.
        outputs: Out.
    """

    architecture: str
    arguments: Mapping[str, Any]
    channels: int
    outputs: int


def read_definition(config: Fields) -> Definition:
    """Read `network_def` of a bundle.

    Args:
        config: inference.json.

    Raises:
        ModelError: It is absent, of another module, has expressions, is not of 2D, or is no
            network that uploads may have.
    """
    name = next((one for one in ("network_def", "network") if _is_table(config, one)), "")
    if not name:
        raise ModelError(
            f"{config.label} has no network_def that is a class with plain arguments: {OWNER_ONLY}"
        )
    table = dict(plain(config.get(name), config, name))
    architecture, kind = _class(str(table.pop(_TARGET)), config)
    table.pop(_DESCRIBES, None)
    _check_plain(table, config)
    defaults = inspect.signature(kind).parameters
    arguments = _without_null(table, defaults, config)
    for needed in ("spatial_dims", "in_channels", "out_channels"):
        usual = defaults[needed].default if needed in defaults else inspect.Parameter.empty
        if needed not in arguments and usual is not inspect.Parameter.empty:
            arguments[needed] = usual
    fields = Fields(arguments, f"{name} of {config.label}")
    if fields.whole("spatial_dims", 1, 3) != 2:
        raise ModelError(
            f"{config.label} is of a network of {arguments['spatial_dims']} dimensions; only 2D "
            "networks can be taken in"
        )
    channels = fields.whole("in_channels", 1, 3)
    if channels == 2:
        raise fields.wrong("in_channels")
    return Definition(
        architecture, arguments, channels, fields.whole("out_channels", 1, MOST_OUTPUTS)
    )


def _is_table(config: Fields, name: str) -> bool:
    value = config.content.get(name)
    return isinstance(value, Mapping) and isinstance(value.get(_TARGET), str)


def _class(target: str, config: Fields) -> tuple[str, type]:
    """Return a class of MONAI's by its path or its name alone."""
    from monai.networks import nets

    module, _, name = target.rpartition(".")
    kind = getattr(nets, name, None)
    if (module and not f"{module}.".startswith(f"{_MODULE}.")) or not isinstance(kind, type):
        raise ModelError(f"{config.label} builds {target[:80]!r}, not of {_MODULE}: {OWNER_ONLY}")
    # MONAI has several spellings of one class.
    if kind.__name__ not in ARCHITECTURES:
        raise ModelError(
            f"{kind.__name__!r} is not an architecture for uploads; there is: "
            f"{', '.join(ARCHITECTURES)}"
        )
    return kind.__name__, kind


def _check_plain(value: Any, config: Fields) -> None:
    """Refuse what would build or do something within the arguments."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if str(key).startswith("_"):
                raise ModelError(f"{config.label} has {key!r} in its network: {OWNER_ONLY}")
            _check_plain(one, config)
    elif isinstance(value, list):
        for one in value:
            _check_plain(one, config)


def _without_null(
    table: Mapping[str, Any], defaults: Mapping[str, inspect.Parameter], config: Fields
) -> dict[str, Any]:
    """Return arguments without null, which a card can't hold and which is most often the default.

    Raises:
        ModelError: It is not the default there.
    """
    for key, value in table.items():
        usual = defaults[key].default if key in defaults else None
        if value is None and usual is not None:
            raise ModelError(
                f"{config.label} has {key} = null in its network, which a card can't hold; leave "
                "it out"
            )
    return {key: value for key, value in table.items() if value is not None}
