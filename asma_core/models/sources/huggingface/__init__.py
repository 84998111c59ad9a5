"""Networks of Hugging Face transformers: from a local folder to a network of the workbench."""
