"""Which life of a trial an entry belongs to.

A trial that is planned again after it ended, or with another spec or other seeds, begins anew, as `study.ledger.state`
has it: its former results no longer count. Each life is an MLflow run of its own, and the former one is removed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = ("planned", "ended")  # the entries that `Attempts` needs to see


@dataclass(slots=True)
class _Attempt:
    number: int = 0
    plan: int = 0
    ended: bool = True


class Attempts:
    """Counts the lives of every trial; entries are applied in the ledger's order."""

    def __init__(self) -> None:
        self._lives: dict[str, _Attempt] = {}

    def apply(self, entry: Mapping[str, Any]) -> int:
        """Take in an entry of a trial and return the number of the life it belongs to, from 1."""
        life = self._lives.setdefault(entry["trial_id"], _Attempt())
        if entry["kind"] == "planned":
            plan = zlib.crc32(json.dumps([entry["spec"], entry["seeds"]], sort_keys=True).encode())
            if life.ended or life.plan != plan:
                life.number += 1
            life.plan, life.ended = plan, False
        elif entry["kind"] == "ended":
            life.ended = True
        return max(life.number, 1)
