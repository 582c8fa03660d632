"""`python -m freshsales_source` is the command `freshsales`."""

import sys

from freshsales_source.cli import main

if __name__ == "__main__":
    sys.exit(main())
