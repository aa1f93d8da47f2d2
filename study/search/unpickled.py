"""A mixin that keeps the driver's own objects out of Tune's state file."""

from __future__ import annotations

from typing import Any


class Unpickled:
    """Pickles without attributes: Tune pickles the objects it is given into a state file that is never read.

    The ledger is what a study is resumed from, and journals, locks and terminals cannot be pickled.
    """

    def __getstate__(self) -> dict[str, Any]:
        """No attributes."""
        return {}
