"""MONAI bundles: from configs/inference.json and models/model.pt to a network of the workbench."""
