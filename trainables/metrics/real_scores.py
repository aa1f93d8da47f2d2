"""What fresh real samples score, several times over: the floor of every measurement, and how far one draw is from it.

A mixture is sampled anew for each draw. Of other data a draw takes n of the N held-out points, and of data with classes
as many of each class as n independent points would be: `trainables.data.heldout` holds a fixed share of each class out,
so that without this nearly all held-out points would have the classes in just the proportions of the training part, and
a Fréchet distance from it up to twenty times smaller than that of fresh points. Within a class each point is taken once
before one is taken again.

Draws overlap, and what they share varies less than fresh points. Of m points of a class k are drawn; their sum has the
variance r (1 - r/m) s², with r what is left of k when all m are taken as often as they go, where that of k fresh points
has k s² (Cochran 1977, Sampling Techniques, theorem 2.2). Summed over the classes, with one s² for all, the ratio of
the two is `fresh`: 1 - n/N without classes. The variance by points is divided by it, that by counts of classes is not:
to tell the two apart some draws are made again with their counts and other points. Where the ratio is 0, as all
held-out points are drawn, the spread is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.data import DataSet, floats


@dataclass(frozen=True)
class RealScores:
    """What fresh real samples score, by the name of each measurement.

    Attributes:
        mean: over the draws; NaN where a draw could not be measured.
        spread: the standard deviation of a single draw, by which one evaluation of a perfect generator differs from
            the next; NaN where `mean` is, and where a single draw was measured.
        draws: how many the mean is over.
    """

    mean: Mapping[str, float]
    spread: Mapping[str, float]
    draws: int


@dataclass(frozen=True)
class Draws:
    """How fresh real points of some data are drawn: `count` at a time, `number` times.

    Attributes:
        counts: (number, K) of each class in each draw; None: as they come.
        again: so many of the draws are made once more, with other points of the same counts.
        fresh: the ratio, in [0, 1], of the variances that draws and fresh points of the same counts have.
    """

    data: DataSet
    count: int
    number: int
    counts: Tensor | None = None
    again: int = 0
    fresh: float = 1.0

    @classmethod
    def planned(cls, data: DataSet, samples: int, number: int, generator: torch.Generator) -> Draws:
        """Draws of `samples` points, `number` times, or of all held-out ones, once, where these are fewer."""
        held, labels = len(data.heldout), data.heldout_labels
        if data.mixture is not None:
            return cls(data, samples, number)
        if held < samples or (held == samples and labels is None):
            return cls(data, held, 1, fresh=0.0)
        if labels is None:
            return cls(data, samples, number, fresh=1 - samples / held)
        of_class, shares = _counts(labels, data.classes), _counts(data.labels, data.classes)
        shares[of_class == 0] = 0
        weights = (shares if shares.any() else of_class).double()
        chosen = torch.multinomial(weights, number * samples, replacement=True, generator=generator)
        counts = torch.stack([_counts(some, data.classes) for some in chosen.chunk(number)])
        rest = counts % of_class.clamp(min=1)
        varying = rest * (1 - rest / of_class.clamp(min=1))
        return cls(data, samples, number, counts, again(number), float(varying.sum() / counts.sum()))

    def points(self, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Points (1, count, *shape) of each draw, and of those made again, in random order, and their labels (1, count)
        if there are any."""
        data, labels = self.data, self.data.heldout_labels
        for number in range(self.number + self.again):
            if data.mixture is not None:
                points, modes = data.mixture.to("cpu").sample(self.count, generator)
                yield points.unsqueeze(0), modes.unsqueeze(0) if data.classes else None
                continue
            order = torch.randperm(len(data.heldout), generator=generator)
            if self.counts is not None and labels is not None:
                order = _of_classes(order, labels.cpu(), self.counts[number % self.number])
                order = order[torch.randperm(len(order), generator=generator)]
            chosen = order[: self.count].to(data.heldout.device)
            yield floats(data.heldout[chosen]).unsqueeze(0), None if labels is None else labels[chosen].unsqueeze(0)

    def summarised(self, measured: Mapping[str, Tensor]) -> RealScores:
        """The scores of what `points` gives, measured as columns of as many values. Columns of counts are left out."""
        columns = {name: values.double() for name, values in measured.items() if values.ndim == 1}
        mean = {name: float(values[: self.number].mean()) for name, values in columns.items()}
        if self.number == 1 or self.fresh == 0:
            return RealScores(mean, dict.fromkeys(mean, math.nan), self.number)
        return RealScores(mean, {name: self._spread(values) for name, values in columns.items()}, self.number)

    def _spread(self, values: Tensor) -> float:
        """The standard deviation of a fresh draw."""
        draws, again = values[: self.number], values[self.number :]
        variance = float(draws.var())
        by_points = float((draws[: self.again] - again).square().mean() / 2) if self.again else variance
        return math.sqrt(variance + by_points * (1 / self.fresh - 1))


def again(number: int) -> int:
    """How many of so many draws of points with classes are made once more."""
    return 0 if number == 1 else math.ceil(number / 4)


def _counts(labels: Tensor | None, classes: int) -> Tensor:
    """How many of each class (K,) there are."""
    assert labels is not None
    return torch.bincount(labels.cpu(), minlength=classes)


def _of_classes(order: Tensor, labels: Tensor, counts: Tensor) -> Tensor:
    """Of points in some order as many of each class as `counts` (K,) says, the first ones, and these again where a
    class has fewer."""
    sorted_by_class = order[labels[order].argsort(stable=True)]
    held = torch.bincount(labels, minlength=len(counts))
    classes = torch.arange(len(counts)).repeat_interleave(counts)
    place = torch.arange(len(classes)) - (counts.cumsum(0) - counts)[classes]
    return sorted_by_class[(held.cumsum(0) - held)[classes] + place % held[classes]]
