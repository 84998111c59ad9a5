"""A network of transformers, built from its settings alone: nothing is fetched or run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from asma_core.errors import ModelError
from asma_core.models.sources.optional import first_line, optional
from asma_core.models.sources.plain_json import Fields

PACKAGE: Final = "transformers"
# Said of the network elsewhere on its card, or of how it is run here.
_DROPPED: Final = re.compile(
    r"_.*|.*_implementation|torch_dtype|dtype|id2label|label2id|architectures|"
    r"transformers_version|torchscript|return_dict|custom_pipelines|output_hidden_states|"
    r"output_attentions"
)
# Setting: why a network that has it can't be taken in.
_REFUSED: Final[Mapping[str, str]] = {
    "auto_map": "names Python code of its own, which is not run here",
    "quantization_config": "is quantised; save it in float32",
    "use_timm_backbone": "stands on a network of timm, which is not taken in",
    "use_pretrained_backbone": "would fetch weights, which is not done here",
    "backbone": "names a backbone to be fetched, which is not done here; save its backbone_config",
}
_OF_TIMM: Final = ("timm_backbone", "timm_wrapper")
_COUNTS: Final = re.compile(r".*(layer|depth|block|stage|head|scale).*")
LARGEST_NUMBER: Final = 1_000_000
LARGEST_COUNT: Final = 256
LARGEST_SIZE: Final = 4096
MOST_ENTRIES: Final = 1024
MOST_LEVELS: Final = 8


class Answer(nn.Module):
    """A network of transformers that answers with its logits alone."""

    network: Any

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network whose answer has `logits`."""
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Any:
        """Return logits (B, K, h, w), often at a quarter of the images' size."""
        return self.network(pixel_values=images).logits

    def renamed(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return weights under this module's names, from those that files have.

        Versions of transformers have other names for parts; each reads the files of all.

        Raises:
            ModelError: They are not weights of such a network.
        """
        try:
            loaded, told = self._loaded(state)
        except Exception as error:
            # The library raises errors of many kinds over weights that are none of its own.
            raise ModelError(
                f"the weights can't be read by transformers ({first_line(error)}); save the "
                "network again with save_pretrained"
            ) from error
        absent = set(told["missing_keys"])
        found = {key: one for key, one in loaded.state_dict().items() if key not in absent}
        # What does not fit is there all the same, so that it is told.
        found |= {key: state[key] for key in told["unexpected_keys"] if key in state}
        found |= {key: torch.empty(shape) for key, shape, _ in told["mismatched_keys"]}
        return {f"network.{key}": one for key, one in found.items()}

    def _loaded(self, state: Mapping[str, Tensor]) -> tuple[nn.Module, dict[str, Any]]:
        """Return a network with these weights, and what did not fit."""
        loaded, told = type(self.network).from_pretrained(
            None,
            config=self.network.config,
            state_dict=dict(state),
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            local_files_only=True,
            dtype=torch.float32,
        )
        return loaded, told


def build_transformer(name: str, arguments: Mapping[str, Any]) -> Answer:
    """Build a network of transformers from a card's arguments, with random weights.

    Args:
        name: Its `model_type`, such as "segformer".
        arguments: `config` (its settings as JSON) and `classes`.

    Raises:
        ModelError: It is no network for semantic segmentation, a setting is not allowed or can't
            be, or transformers is not installed.
    """
    fields = Fields(arguments, "the card's arguments")
    classes = fields.whole("classes", 2, 256)
    settings = plain_settings(_parsed(fields.text("config")), name)
    models = optional("transformers.models.auto.modeling_auto", PACKAGE)
    configs = optional("transformers.models.auto.configuration_auto", PACKAGE)
    known = models.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES
    if name not in known:
        raise ModelError(
            f"{name!r} is no network of transformers for semantic segmentation; there is "
            f"{', '.join(known)}"
        )
    _be_quiet()
    try:
        config = configs.AutoConfig.for_model(name, **settings, num_labels=classes)
        network = models.AutoModelForSemanticSegmentation.from_config(
            config, trust_remote_code=False, attn_implementation="eager", dtype=torch.float32
        )
    except Exception as error:
        # Its checks raise errors of many kinds.
        raise ModelError(
            f"{name} can't be built as its config.json says ({first_line(error)}); give the file "
            "as it was saved with the weights"
        ) from error
    return Answer(network)


def _be_quiet() -> None:
    """Let the library show no bars and no reports; what does not fit is told by an error."""
    logging = optional("transformers.utils.logging", PACKAGE)
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _parsed(text: str) -> Fields:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError("the card's config is no JSON; import the network again") from error
    if not isinstance(content, dict):
        raise ModelError("the card's config is no JSON object; import the network again")
    return Fields(content, "config.json")


def plain_settings(config: Fields, name: str) -> dict[str, Any]:
    """Return the settings that a network is built from; what only tells how it is run is left out.

    Args:
        config: config.json.
        name: Its `model_type`.

    Raises:
        ModelError: One names code or weights to be fetched, or is absurd.
    """
    settings = _plain(config.content, 0)
    if name in _OF_TIMM:
        raise ModelError(f"{name} {_REFUSED['use_timm_backbone']}")
    settings.pop("model_type", None)
    settings.pop("num_labels", None)
    return settings


def _plain(table: Mapping[str, Any], level: int) -> dict[str, Any]:
    for key, why in _REFUSED.items():
        if table.get(key):
            raise ModelError(f"config.json has {key}: the network {why}")
    if level and table.get("model_type") in _OF_TIMM:
        raise ModelError(f"config.json: the network {_REFUSED['use_timm_backbone']}")
    return {
        key: _value(key, value, level)
        for key, value in table.items()
        if not _DROPPED.fullmatch(key) and key not in _REFUSED
    }


def _value(key: str, value: Any, level: int) -> Any:
    if level > MOST_LEVELS:
        raise ModelError(f"config.json has {key} too deep; give the file as it was saved")
    if isinstance(value, Mapping):
        return _plain(value, level + 1)
    if isinstance(value, list):
        if len(value) > MOST_ENTRIES:
            raise ModelError(f"config.json has {len(value):,} entries in {key[:80]}")
        return [_value(key, entry, level + 1) for entry in value]
    if type(value) in (int, float):
        _check_number(key, value)
    return value


def _check_number(key: str, value: float) -> None:
    most = LARGEST_COUNT if _COUNTS.fullmatch(key) else LARGEST_NUMBER
    most = LARGEST_SIZE if key == "image_size" else most
    if not abs(value) <= most:
        raise ModelError(
            f"config.json has {key[:80]} = {str(value)[:40]}; at most {most:,} is built here"
        )
