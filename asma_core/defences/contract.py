"""What a defence is: how it asks a network, and how an attack that knows it goes through it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from asma_core.fields import Settings
from asma_core.lazy import Tensor, torch

# Images, float32 (B, C, H, W) in [0, 1], to logits, float32 (B, K, H, W).
Network = Callable[[Tensor], Tensor]
Values = TypeVar("Values", bound=Settings)

# What kind of idea it is, in the order in which they are offered.
INPUT: Final = "Cleans the image"
RANDOM: Final = "Asks at random"
AVERAGE: Final = "Asks several times"


@dataclass(frozen=True)
class Learning(Generic[Values]):
    """How a defence learns from images before it stands anywhere.

    Its settings have a field `learnt`, the name under which it is kept.

    Attributes:
        learn: From images, each float32 (C, H, W) in [0, 1], and settings to what is kept; a third
            argument gets the steps done.
        is_kept: Whether what the settings name has been learnt.
    """

    learn: Callable[..., None]
    is_kept: Callable[[Values], bool]


@dataclass(frozen=True)
class DefenceEntry(Generic[Values]):
    """A defence with what a person needs to know of it.

    Attributes:
        name: On the command line and in cards.
        title: For people.
        kind: `INPUT`, `RANDOM` or `AVERAGE`.
        summary: One line: what it does.
        adaptive: One line: how the attack that knows it goes through it.
        source: Paper and place.
        settings: Class of its settings.
        ask: Asks a network about images, as it is defended; differentiable in the images, or with
            what stands for its gradient. What it draws comes from torch's generator of the CPU, and
            is one for all images of a batch, so that none hangs on its neighbours.
        random: Whether it draws anything.
        check: Of one that needs something of the bare network: raises a `ModelError` of a network
            that lacks it.
        around: Of one that works within the bare network: what is done to it while it is asked. The
            network is then as it was.
        learning: Of one that learns from images first: how.
    """

    name: str
    title: str
    kind: str
    summary: str
    adaptive: str
    source: str
    settings: type[Values]
    ask: Callable[[Network, Tensor, Values], Tensor]
    random: bool = False
    check: Callable[[torch.nn.Module], None] | None = None
    around: Callable[[torch.nn.Module, Values], AbstractContextManager[None]] | None = None
    learning: Learning[Values] | None = None


@dataclass(frozen=True)
class Defence:
    """A defence as a card names it.

    Attributes:
        name: Of its entry in the registry.
        values: Of its settings, those that a card says.
    """

    name: str
    values: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, as it stands in a card."""
        return {"name": self.name, **self.values}


def cleaned(clean: Callable[[Tensor, Values], Tensor]) -> Callable[[Network, Tensor, Values], Any]:
    """Return how a network is asked about images that were cleaned first.

    Args:
        clean: Images, float32 (B, C, H, W) in [0, 1], to the same.
    """

    def ask(network: Network, images: Tensor, settings: Values) -> Tensor:
        return network(clean(images, settings))

    return ask


def straight_through(seen: Tensor, images: Tensor) -> Tensor:
    """Return what is seen, with the gradient of what stands for it (BPDA, arXiv:1802.00420).

    Args:
        seen: The values, (B, C, H, W); no gradient goes through them.
        images: Like them, what the gradient goes through instead.
    """
    return images + (seen - images).detach()


def with_adjoint(seen: Tensor, images: Tensor, adjoint: Callable[[Tensor], Tensor]) -> Tensor:
    """Return what is seen, with a gradient that was worked out by hand.

    Args:
        seen: The values, (B, C, H, W); no gradient goes through them.
        images: What they were made of, of the same shape; takes gradients.
        adjoint: From the gradient in what is seen to that in the images.
    """
    # Nothing, but that its gradient goes to the images.
    nothing = images - images.detach()
    nothing.register_hook(adjoint)  # type: ignore[no-untyped-call]
    return seen.detach() + nothing
