"""`python -m diglot`: the command line without its script."""

import sys

from diglot.cli import main

if __name__ == "__main__":
    sys.exit(main())
