"""A small plan for the data set of `tests.tiny`."""

from asma_core.training.plan import TrainingPlan
from tests import tiny

PLAN = TrainingPlan(
    tiny.DATASET, "made", width="tiny", steps=8, batch_size=2, image_size=32, device="cpu"
)
