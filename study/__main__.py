"""`ganstudy`, also `python -m study`."""

from __future__ import annotations

import sys

from study.command.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
