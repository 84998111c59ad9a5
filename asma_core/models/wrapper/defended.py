"""A network behind defences: the same contract, so that it is attacked as any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import torch
from torch import Tensor

from asma_core.defences.averaging import mean_answer
from asma_core.defences.contract import Defence, DefenceEntry, Network
from asma_core.defences.registry import find_defence, settings_of
from asma_core.fields import Settings
from asma_core.models.wrapper.contract import SegmentationModel

Step = tuple[DefenceEntry[Any], Settings]

# Draws by which an answer of a random defence is judged, with a seed that no attack draws from.
JUDGED_DRAWS: Final = 20
JUDGED_SEED: Final = 20_130_903
# Draws of a step of an attack (EOT) until `choose_draws` has looked how much they differ.
USUAL_DRAWS: Final = 4
MOST_DRAWS: Final = 32
PILOT_DRAWS: Final = 6
# The mean over draws may be off by this share of its length.
NOISE_LEFT: Final = 0.5


class DefendedModel(SegmentationModel):
    """A network behind defences, the first of which meets the image first.

    Called plainly, it says what counts: of a random defence the mean over `JUDGED_DRAWS` draws,
    the same at each call. An attack calls `search`, whose draws are new at each call.

    Attributes:
        defences: As the card names them.
        random: Whether any of them draws.
        draws: Of a step of an attack.
    """

    def __init__(self, base: SegmentationModel, defences: Sequence[Defence]) -> None:
        """Stand defences before a network.

        Args:
            base: The network itself; not changed.
            defences: At least one.

        Raises:
            UnknownNameError: No such defence, or setting.
            InputError: A setting of another type or outside its range.
            ModelError: The network lacks what a defence needs.
        """
        super().__init__(base.network, base.spec, base.classes, base.output)
        self.defences = tuple(defences)
        self._steps = [(find_defence(one.name), settings_of(one)) for one in defences]
        for entry, _ in self._steps:
            if entry.check is not None:
                entry.check(base.network)
        self.random = any(entry.random for entry, _ in self._steps)
        self.draws = USUAL_DRAWS if self.random else 1

    def seen_size(self, height: int, width: int) -> tuple[int, int] | None:
        """Return None: what a defence does to a file, it does not do to a smaller one."""
        return None

    def forward(self, images: Tensor) -> Tensor:
        """Return logits as they are judged; see `SegmentationModel.forward`."""
        if not self.random:
            return self._once(images)
        return mean_answer(self.each_draw(images))

    def search(self, images: Tensor) -> Tensor:
        """Return logits as an attack that knows the defences asks for them."""
        if not self.random:
            return self._once(images)
        return mean_answer(self._once(images) for _ in range(self.draws))

    def each_draw(self, images: Tensor) -> Iterator[Tensor]:
        """Give the answer of each draw by which it is judged, float32 (B, K, H, W)."""
        for draw in range(JUDGED_DRAWS if self.random else 1):
            with _drawing(JUDGED_SEED + draw):
                answer = self._once(images)
            yield answer

    def behind_first(self, images: Tensor) -> Tensor:
        """Return the logits of what stands behind the first defence, as a certificate asks."""
        return self._through(self._steps[1:], images)

    def choose_draws(self, images: Tensor) -> int:
        """Choose the draws of a step from how much the gradients of single draws differ.

        So many that their mean is off by at most half its length, as far as a few draws tell; 1
        where nothing is random, `USUAL_DRAWS` of a network that takes no gradients.

        Args:
            images: float32 (B, C, H, W); one of them is enough.
        """
        if not self.random:
            return 1
        if not self.takes_gradients:
            return self.draws
        image = images[:1].detach()
        with torch.no_grad():
            said = self._once(image).max(dim=1).indices
        found = torch.stack([self._slope(image, said) for _ in range(PILOT_DRAWS)])
        mean = found.mean(dim=0)
        scatter = float((found - mean).square().sum() / (PILOT_DRAWS - 1))
        # What the mean's own length has of the scatter is none of the gradient's.
        length = max(float(mean.square().sum()) - scatter / PILOT_DRAWS, 1e-30)
        wanted = scatter / length / NOISE_LEFT**2
        self.draws = max(1, min(MOST_DRAWS, round(wanted)))
        return self.draws

    def _slope(self, image: Tensor, said: Tensor) -> Tensor:
        with torch.inference_mode(False), torch.enable_grad():
            asked = image.clone().requires_grad_()
            loss = torch.nn.functional.cross_entropy(self._once(asked), said)
            (slope,) = torch.autograd.grad(loss, asked)
        return slope

    def _once(self, images: Tensor) -> Tensor:
        return self._through(self._steps, images)

    def _through(self, steps: Sequence[Step], images: Tensor) -> Tensor:
        ask: Network = super().forward
        for entry, settings in reversed(steps):
            ask = _behind(entry, settings, ask)
        with ExitStack() as stack:
            for entry, settings in steps:
                if entry.around is not None:
                    stack.enter_context(entry.around(self.network, settings))
            return ask(images)


def _behind(entry: DefenceEntry[Any], settings: Settings, network: Network) -> Network:
    """Return how a network behind a defence is asked."""
    return lambda images: entry.ask(network, images, settings)


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Draw from a seed of its own; the generator is then as it was."""
    before = torch.get_rng_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)
