"""What keeps the driver's own objects out of Tune's state file."""

from __future__ import annotations

from typing import Any


class Unpickled:
    """Pickles as nothing: Tune pickles whatever it is given into a file of its own, which no one reads.

    The ledger is what a study is resumed from, and journals, locks and terminals cannot be pickled.
    """

    def __getstate__(self) -> dict[str, Any]:
        """No attributes."""
        return {}
