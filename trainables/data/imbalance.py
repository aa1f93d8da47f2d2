"""A wanted imbalance of classes: the settings of a labelled data set, of which each class keeps its part."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from trainables.checks import refused
from trainables.data.dataset import DataSet
from trainables.data.source import HELDOUT, TRAIN, Source, numbers, stream


@dataclass(frozen=True, kw_only=True)
class Labelled(Source):
    """A data set with classes, whose shares `class_weights` sets: a weight for each, relative to the others.

    Of a mixture they are the weights of its modes. Of other data as many points of each class are kept as the weights
    allow, of both parts, chosen by the data's `seed`, or 0 where they have none.

    Attributes:
        class_weights: a weight for each class or mode, relative to the others; null: the shares are as they are.
    """

    class_weights: tuple[float, ...] | None = numbers(None, low=1e-6)

    def __post_init__(self) -> None:
        """Refuse also other than a weight for each class."""
        super().__post_init__()
        self.check_weights()

    def check_weights(self) -> None:
        """Refuse weights that do not fit the classes. Raises `ValueError`."""
        if self.class_weights is not None and len(self.class_weights) != self.classes:
            expected = f"{self.classes} numbers, one for each class" if self.classes else "null without classes"
            raise refused("data.class_weights", expected, list(self.class_weights))

    def weighted(self, data: DataSet) -> DataSet:
        """The data with as many points of each class as the weights allow; raises `ValueError` where one has none."""
        if (kept := self.kept(data.labels, data.heldout_labels)) is None or data.labels is None:
            return data
        train, heldout = kept
        assert data.heldout_labels is not None
        return replace(
            data,
            train=data.train[train],
            labels=data.labels[train],
            heldout=data.heldout[heldout],
            heldout_labels=data.heldout_labels[heldout],
        )

    def kept(self, labels: Tensor | None, heldout_labels: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """The indices of the points of either part that the weights leave, None for all, of their labels (n,) and (m,);
        raises `ValueError` where a class has none."""
        if self.class_weights is None or labels is None or heldout_labels is None:
            return None
        seed = getattr(self, "seed", 0)
        train = _kept(labels, self.class_weights, stream(seed, TRAIN))
        return train, _kept(heldout_labels, self.class_weights, stream(seed, HELDOUT))

    def left(self, counts: tuple[int, int], labels: Tensor | None, heldout_labels: Tensor | None) -> tuple[int, int]:
        """How many of so many points the weights leave to train on and held out; raises what `kept` raises."""
        kept = self.kept(labels, heldout_labels)
        return counts if kept is None else (len(kept[0]), len(kept[1]))

    def left_by(self, held: Tensor, labels: Tensor | None) -> tuple[int, int]:
        """The same of points of which these (n,) are held out, with labels (n,) if they have classes."""
        own, other = (None if labels is None else labels[part] for part in (~held, held))
        return self.left((int((~held).sum()), int(held.sum())), own, other)


def _kept(labels: Tensor, weights: tuple[float, ...], generator: torch.Generator) -> Tensor:
    """The indices, in order, of the most points whose classes have these weights, each rounded down."""
    there = labels.bincount(minlength=len(weights)).double()
    shares = torch.tensor(weights, dtype=torch.float64)
    wanted = (shares * (there / shares).min() * (1 + 1e-12)).floor().long()
    if bool((wanted == 0).any()):
        least = int(wanted.argmin())
        got = f"{list(weights)}, by which class {least} of {int(there[least])} points keeps none"
        raise ValueError(f"data.class_weights: expected weights that leave every class a point of each part, got {got}")
    kept = []
    for label, count in enumerate(wanted.tolist()):
        of_class = torch.nonzero(labels == label)[:, 0]
        kept.append(of_class[torch.randperm(len(of_class), generator=generator)[:count]])
    return torch.cat(kept).sort().values
