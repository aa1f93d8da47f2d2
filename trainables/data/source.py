"""Where a data set comes from: its checked settings, what is known before it is loaded, and the loading."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np
import torch

from trainables.data.dataset import DataSet
from trainables.data.settings import Axis

# Keeps the points of data seed s apart from the noise of a replica whose seed is also s.
_DATA = 0xDA7A
TRAIN, HELDOUT = 0, 1


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """A data set's checked settings, one field each (see trainables.data.settings).

    Raises:
        ValueError: a setting of a wrong kind or out of range; the message says which, what was expected and
            what came.
    """

    name: ClassVar[str]

    def __post_init__(self) -> None:
        """Check every setting and keep it in its one form."""
        for setting in fields(self):
            accept = setting.metadata["accept"]
            value = accept(f"data.{setting.name}", getattr(self, setting.name))
            object.__setattr__(self, setting.name, value)

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one point, known without loading."""

    @property
    @abstractmethod
    def classes(self) -> int:
        """The number of classes, 0 when unlabelled, known without loading."""

    @abstractmethod
    def load(self) -> DataSet:
        """The data set on the CPU; the same settings give the same tensors."""

    def absent(self) -> str | None:
        """Which files loading would miss and how to get them; None if it would miss nothing."""
        return None

    def settings(self) -> dict[str, Any]:
        """Every setting with its value as plain YAML types, the defaults included."""
        return {setting.name: _plain(getattr(self, setting.name)) for setting in fields(self)}


def stream(seed: int, part: int) -> torch.Generator:
    """The random generator of one part (TRAIN or HELDOUT) of the data drawn with `seed`."""
    state = np.random.SeedSequence((seed, _DATA, part)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


def _plain(value: Any) -> Any:
    if isinstance(value, Axis):
        return asdict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
