"""`Evaluator`: every measurement of a population's samples against one data set.

Built once and reused by all trials of a worker: the reference's moments, its neighbours' balls and its kernels are
computed at construction. For mixtures in `raw` space the reference moments are the exact ones; everything else
refers to the training part of the data, because a set as small as digits holds out too little to fit a Gaussian to.

| column | what it is (the settings that fix its sample size) |
|---|---|
| fid, fid_error | Fréchet distance in the chosen features, and its standard error (samples) |
| precision, recall, density, coverage | k nearest neighbours in them (neighbours, neighbour_samples) |
| modes, modes_held, modes_covered | of mixtures, labelled points by the nearest class mean, and labelled images given a
classifier (samples) |
| reverse_kl, mode_js, mode_histogram | of the same (samples) |
| high_quality, mass_js, mass_js_error | of mixtures; the last a standard error (samples) |
| class_fid, class_coverage | where labels were requested (samples; the latter neighbours) |
| label_fidelity | where labels were requested, of mixtures and given a classifier (samples) |
| wasserstein_1d | of 1-D data; exact, from the mixture itself (samples) |
| kid, kid_low, kid_high | measure `kernel`: cubic kernel, 95 % interval (samples) |
| mmd, mmd_low, mmd_high | measure `kernel`: Gaussian kernels about the median distance, 95 % interval (samples) |
| memorisation | measure `memorisation`: against all training points (neighbour_samples) |
| sliced_wasserstein | measure `sliced` or `divergences` (samples) |
| fid_infinity, fid_infinity_low, fid_infinity_high | measure `infinity`: extrapolated, 95 % interval (samples) |
| inception_score | in InceptionV3's features alone (samples) |
| density_js, density_kl, density_reverse_kl, density_tv | measure `divergences`, of mixtures (samples) |
| own.NAME | measure `module:NAME`, a function of the user's (samples) |
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainables import own_code
from trainables.checks import close_to, only, shown, whole
from trainables.data import DataSet
from trainables.metrics import feature_spaces, measurements, modes, own, sampling_error
from trainables.metrics.classifier import Classifier
from trainables.metrics.columns import GROUPS, ROWS, DataTraits, Reference
from trainables.metrics.distances import blocks
from trainables.metrics.feature_spaces import QUICK, Kept, feature_space, features_of_part
from trainables.metrics.finite import FiniteReplicas
from trainables.metrics.measurements import MeasuredSamples, Measurement
from trainables.metrics.neighbours import expected_coverage
from trainables.metrics.real_scores import Draws, RealScores

DRAWS, FEW_DRAWS = 20, 5  # of real samples, for the floor


@dataclass(frozen=True)
class Settings:
    """The settings of a configuration under `evaluation`.

    Attributes:
        samples (samples): how many of each replica are measured at an evaluation.
        features: the space that distances are measured in, a name or {"module": "module:attribute"} of the user's own.
        neighbours: the neighbour that a ball about a point reaches to, for precision, recall, density and coverage.
        neighbour_samples (samples): how many of the samples at most, and of the training points as many, enter these.
        weights: the file of InceptionV3's weights, None to download them, or of DINOv2's.
        classifier: the file of a saved classifier, whose accuracy is that on the held-out images of its own training;
            None: the study trains one where it needs one.
    """

    samples: int = 2500
    features: feature_spaces.Setting = "raw"
    neighbours: int = 5
    neighbour_samples: int = 1000
    weights: str | Path | None = None
    classifier: str | Path | None = None


def check(settings: Mapping[str, Any], measure: Sequence[str] = ()) -> Settings:
    """The settings with their defaults, checked without loading anything: of named files only whether they exist.

    Raises `ValueError`, `TypeError` or `FileNotFoundError` naming the setting, what was expected and what it got.
    """
    only("evaluation", settings, [field.name for field in fields(Settings)])
    chosen = Settings(**settings)
    feature_spaces.check(chosen.features)
    whole("evaluation.neighbours", chosen.neighbours, low=1)
    for name in ("samples", "neighbour_samples"):
        whole(f"evaluation.{name}", getattr(chosen, name), max(2 * measurements.BLOCKS, chosen.neighbours + 1))
    for name in ("weights", "classifier"):
        _check_file(f"evaluation.{name}", getattr(chosen, name))
    for group in measure:
        if group not in GROUPS and not own_code.is_location(group):
            raise ValueError(f"measure: unknown group '{group}'{close_to(str(group), GROUPS)}")
    own.columns_of(measure)
    return chosen


def require_points(
    train: int,
    heldout: int,
    mixture: bool,
    settings: Settings,
    measure: Sequence[str],
    keys: tuple[str, str] = ("data", "data.heldout"),
) -> None:
    """Refuse so few training and held-out points that they cannot be measured; of a mixture fresh ones are drawn.

    `keys` are the settings that say how many there are of each. Raises `ValueError` that names them.
    """
    least, why = settings.neighbours + 1, f"evaluation.neighbours is {settings.neighbours}"
    if "kernel" in measure and least < 2 * measurements.BLOCKS:
        least, why = 2 * measurements.BLOCKS, f"measure kernel compares {measurements.BLOCKS} blocks of them"
    if train < least:
        raise ValueError(f"{keys[0]}: expected at least {least} points to train on, as {why}, got {train}")
    least = max(settings.neighbours + 1, 2 * sampling_error.BLOCKS)
    if heldout < least and not mixture:
        why = "the floor of every measurement is measured on them"
        raise ValueError(f"{keys[1]}: expected at least {least} held-out points, as {why}, got {heldout}")


class Evaluator:
    """Measures populations against one data set; see the module for the columns.

    `classifier` may be given instead of the setting of that name. Features of the data that take time are taken from
    and put into `kept`, where it is given. Raises what `check` raises, `ValueError` for too few points and for features
    or a classifier that do not fit the data, and for own measurements what `own.found` raises.
    """

    def __init__(
        self,
        data: DataSet,
        settings: Mapping[str, Any],
        measure: Sequence[str] = (),
        device: torch.device | str = "cpu",
        *,
        classifier: Classifier | None = None,
        kept: Kept | None = None,
    ) -> None:
        self.settings = check(settings, measure)
        self._troubles: list[str] = []
        self.device = torch.device(device)
        if not data.point:
            require_points(len(data.train), len(data.heldout), data.mixture is not None, self.settings, measure)
        self.data = data.to(device)
        self._classifier = classifier or _saved_classifier(self.settings, self.device)
        if self._classifier is not None:
            self._classifier.refuse_other(self.data)
        setting, weights = self.settings.features, self.settings.weights
        self._space = feature_space(setting, weights, self.data, self._classifier, self.device)
        self._centres, self._kept = _centres(self.data), kept
        self._measurements = self._refer(measure)

    @property
    def samples(self) -> int:
        """How many samples of each replica it expects."""
        return self.settings.samples

    @property
    def floor_samples(self) -> int:
        """How many fresh real samples `floor` measures: fewer than `samples` where the held-out part is smaller."""
        return self.samples if self.data.mixture else min(self.samples, len(self.data.heldout))

    def troubles(self) -> list[str]:
        """What own measurements could not measure since this was asked last, a sentence each."""
        told, self._troubles = [*dict.fromkeys(self._troubles)], []
        return told

    @torch.no_grad()
    def __call__(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Measure samples (R, n, *shape), in random order, and the labels (R, n) that were requested of them.

        Returns columns (R,), float64, and `mode_histogram` (R, K), int64, on the evaluator's device. NaN, and a
        histogram of 0, for a replica with samples that are not finite; other replicas are unaffected. Raises
        `ValueError` for samples or labels of a wrong shape.
        """
        self._check_shapes(samples, labels)
        samples = samples.detach().to(self.device)
        replicas = FiniteReplicas(samples)
        samples, labels = replicas.rows(samples), None if labels is None else replicas.rows(labels.to(self.device))
        some = [*blocks(len(samples), 4 * samples[:1].numel(), self.device)] or [slice(0, 0)]
        pieces = [self._measure(samples[few], None if labels is None else labels[few]) for few in some]
        return {name: replicas.put_back(torch.cat([piece[name] for piece in pieces])) for name in pieces[0]}

    def floor(self, seed: int = 0, draws: int | None = None) -> RealScores:
        """The floor: the same measurements of fresh real samples and their labels, `floor_samples` in each draw.

        Each of `draws` draws costs as much as the evaluation of a replica. None: `DRAWS`, or `FEW_DRAWS` where that
        takes minutes; of data with classes a quarter of them is made twice (`trainables.metrics.real_scores`). A single
        one, of all held-out points, is measured where fewer are held out than `samples`, or as many without classes. In
        the first case a warning is given, because the bias of FID and similar estimates is then another than for the
        generator's samples. Coverage, which would be smaller by much, is then what as many real samples as a generator
        gives have in the mean. Of no measurement, and no draw, where nothing is measured.
        """
        if not self._measurements:
            return RealScores({}, {}, 0)
        count, generator = self.floor_samples, torch.Generator().manual_seed(seed)
        if count < self.samples:
            warnings.warn(
                f"the floor of '{self.data.name}' is measured on all its {count} held-out points, "
                f"fewer than the {self.samples} samples of a generator",
                stacklevel=2,
            )
        usual = DRAWS if self.settings.features in QUICK else FEW_DRAWS
        planned = Draws.planned(self.data, self.samples, draws or usual, generator)
        measured = [self(*drawn) for drawn in planned.points(generator)]
        scores = planned.summarised({name: torch.cat([one[name] for one in measured]) for name in measured[0]})
        few, real = (min(self.settings.neighbour_samples, of) for of in (self.samples, len(self.data.train)))
        if count >= few:
            return scores
        coverage = expected_coverage(few, real, self.settings.neighbours)
        return replace(scores, mean={**scores.mean, "coverage": coverage})

    def _refer(self, measure: Sequence[str]) -> list[Measurement]:
        """Prepare all measurements from the reference, once; none for data that are a single point."""
        if self.data.point:
            return []
        data, generator = self.data, torch.Generator().manual_seed(0)
        features = features_of_part(data, "train", self._space, self._kept)
        reference = Reference(
            data=data,
            features=features,
            shuffled=features[torch.randperm(len(features), generator=generator).to(self.device)],
            heldout=lambda: features_of_part(data, "heldout", self._space, self._kept),
            head=self._space.head,
            exact=data.mixture if self.settings.features == "raw" else None,
            samples=self.samples,
            neighbour_samples=self.settings.neighbour_samples,
            neighbours=self.settings.neighbours,
            generator=generator,
            own=own.every(measure),
            trouble=lambda sentence: self._troubles.append(sentence),
        )
        traits = DataTraits.of(data, self._classifier is not None, measure, self.settings.features)
        return [row.prepare(reference) for row in ROWS if row.columns(traits)]

    def _measure(self, samples: Tensor, requested: Tensor | None) -> dict[str, Tensor]:
        features, predicted = self._describe(samples, requested is not None)
        seen = MeasuredSamples(samples, features, predicted, requested)
        return {name: values for measurement in self._measurements for name, values in measurement(seen).items()}

    def _describe(self, samples: Tensor, labelled: bool) -> tuple[Tensor, Tensor | None]:
        """Features (R, n, d) of samples (R, n, *shape), and their predicted classes (R, n) or None; those of a mixture
        are compared with labels alone."""
        points, predicted = samples.flatten(0, 1), None
        if self._classifier is not None:
            penultimate, classes = self._classifier(points)
            predicted = classes.reshape(samples.shape[:2])
        elif self._centres is not None and (labelled or self.data.mixture is None):
            predicted, _ = modes.nearest_mode(samples, self._centres)
        features = penultimate if self.settings.features == "classifier" else self._space(points)
        return features.reshape(*samples.shape[:2], features.shape[-1]), predicted

    def _check_shapes(self, samples: Tensor, labels: Tensor | None) -> None:
        if samples.shape[2:] != self.data.shape:
            expected = ", ".join(map(str, ("R", "n", *self.data.shape)))
            raise ValueError(f"expected samples ({expected}), got shape {tuple(samples.shape)}")
        needed = max(self.settings.neighbours + 1, 2 * sampling_error.BLOCKS)
        if samples.shape[1] < needed:
            raise ValueError(f"expected at least {needed} samples per replica, got {samples.shape[1]}")
        if labels is None:
            return
        if self.data.labels is None:
            raise ValueError(f"labels were requested of samples of '{self.data.name}', which has none")
        if labels.shape != samples.shape[:2]:
            raise ValueError(f"expected labels of shape {tuple(samples.shape[:2])}, got {tuple(labels.shape)}")


def _check_file(name: str, path: Any) -> None:
    if path is None:
        return
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name}: expected a path or null, got {shown(path)}")
    if not Path(path).is_file():
        raise FileNotFoundError(f"{name}: expected a file, found none at {path}")


def _centres(data: DataSet) -> Tensor | None:
    """The means (K, d) of a mixture's modes, or of the classes of labelled points; None where there is neither."""
    if data.mixture is not None:
        return data.mixture.means
    if data.labels is None or data.images:
        return None
    return torch.stack([data.train[data.labels == label].double().mean(0) for label in range(data.classes)])


def _saved_classifier(settings: Settings, device: torch.device) -> Classifier | None:
    return None if settings.classifier is None else Classifier.load(settings.classifier, device)
