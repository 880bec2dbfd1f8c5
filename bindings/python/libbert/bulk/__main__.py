# SPDX-License-Identifier: MIT
"""The command `python -m libbert.bulk`."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main())
