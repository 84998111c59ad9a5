"""`python -m asma_core`."""

import sys

from asma_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
