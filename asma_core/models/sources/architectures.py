"""The networks of MONAI that anybody may build, and with which arguments to begin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from asma_core.errors import InputError

# Arguments beside the numbers of channels in and out; what most people's networks have.
ARCHITECTURES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "UNet": {"channels": [16, 32, 64, 128, 256], "strides": [2, 2, 2, 2], "num_res_units": 2},
        "BasicUNet": {"features": [32, 32, 64, 128, 256, 32]},
        "BasicUNetPlusPlus": {"features": [32, 32, 64, 128, 256, 32]},
        "AttentionUnet": {"channels": [16, 32, 64, 128, 256], "strides": [2, 2, 2, 2]},
        "SegResNet": {"init_filters": 16, "blocks_down": [1, 2, 2, 4], "blocks_up": [1, 1, 1]},
        "SegResNetDS": {"init_filters": 32, "blocks_down": [1, 2, 2, 4]},
        "DynUNet": {
            "kernel_size": [3, 3, 3, 3],
            "strides": [1, 2, 2, 2],
            "upsample_kernel_size": [2, 2, 2],
        },
        "FlexibleUNet": {"backbone": "efficientnet-b0"},
        "UNETR": {"img_size": [256, 256]},
        "SwinUNETR": {"feature_size": 24},
        "VNet": {},
        "HighResNet": {},
    }
)


def arguments_from_text(text: str) -> dict[str, Any]:
    """Read an architecture's arguments from JSON.

    Raises:
        InputError: Not JSON, or not an object.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f'the arguments are not JSON ({error}); write them as {{"channels": [16, 32]}}'
        ) from error
    if not isinstance(content, dict):
        raise InputError(
            'the arguments are not a JSON object; write them as {"channels": [16, 32]}'
        )
    return content


def complete(channels: int, classes: int, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an architecture is called with: channels and classes, and the user's own."""
    base: dict[str, Any] = {"spatial_dims": 2, "in_channels": channels, "out_channels": classes}
    return base | dict(own)
