"""Made-up medical pictures with exact masks: the fundus and the dermoscopy generator."""

from asma_core.data.synthetic.fundus import fundus_pair
from asma_core.data.synthetic.lesion import lesion_pair

__all__ = ["fundus_pair", "lesion_pair"]
