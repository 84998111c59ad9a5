"""The model contract, model cards, loading, devices and training."""
