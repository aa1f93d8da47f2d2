"""`python -m study`: the command `ganstudy`."""

from __future__ import annotations

import sys

from ganstudy import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
