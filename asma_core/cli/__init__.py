"""The command line: `python -m asma_core`."""
