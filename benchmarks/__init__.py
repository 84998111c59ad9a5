"""Speed and quality, measured by commands that anybody can run again."""

from asma_core.models.wrapper.spinning import spin_only_alone

# As the worker and the command line do, before any of the benchmarks imports torch.
spin_only_alone()
