"""From a plan to a trained network, and the record of it."""
