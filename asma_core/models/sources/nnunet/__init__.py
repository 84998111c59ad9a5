"""Networks of nnU-Net v2: from its folder of a trained model to a network of the workbench."""
