"""The table of what metrics do not see, held to generators on the ring with one flaw each."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from analysis.record.schema import HIGHER, OF_LABELS, QUALITY, TRAINING
from study.config.blind_spots import ASKED, COVERED, GOOD, SHARED, UNSEEN_IN_RAW, blind_spots, unseen
from study.config.measured import SEARCHABLE
from trainables.data import DataSet, load
from trainables.metrics.evaluator import GROUPS, Evaluator

COUNT, REPLICAS = 2500, 24
Drawn = tuple[Tensor, Tensor]


@pytest.fixture(scope="module")
def ring() -> DataSet:
    return load("ring", points=20_000, heldout=5000)


def drawn(data: DataSet, flaw: Callable[[Tensor, Tensor, torch.Generator], Tensor] | None) -> dict[str, Tensor]:
    """The measurements of perfect samples, or of those left or changed by a flaw: it returns points, or a mask."""
    assert data.mixture is not None
    generator = torch.Generator().manual_seed(1)
    replicas: list[Drawn] = []
    for _ in range(REPLICAS):
        points, modes = data.mixture.sample(4 * COUNT, generator)
        changed = points if flaw is None else flaw(points, modes, generator)
        if changed.dtype == torch.bool:
            changed, modes = points[changed], modes[changed]
        replicas.append((changed[:COUNT].float(), modes[:COUNT]))
    evaluator = Evaluator(data, {"samples": COUNT}, GROUPS)
    return evaluator(torch.stack([points for points, _ in replicas]), torch.stack([modes for _, modes in replicas]))


def half_off(points: Tensor, modes: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the samples at five standard deviations (of 0.02) from their mode's mean."""
    angle = 2 * math.pi * torch.rand(len(points), generator=generator, dtype=torch.float64)
    centre = math.pi / 4 * modes
    off = 2 * torch.stack([centre.cos(), centre.sin()], 1) + 0.1 * torch.stack([angle.cos(), angle.sin()], 1)
    return torch.where(torch.rand(len(points), 1, generator=generator) < 0.5, off, points)


def every_other_mode(_: Tensor, modes: Tensor, __: torch.Generator) -> Tensor:
    return modes % 2 == 0


def unequal_modes(_: Tensor, modes: Tensor, generator: torch.Generator) -> Tensor:
    """Every other mode has a tenth of the others' samples; a fifth of its due, so that it counts as held."""
    return torch.rand(len(modes), generator=generator) < torch.where(modes % 2 == 0, 1.0, 0.1)


@pytest.mark.parametrize(("flaw", "aspect"), [(half_off, GOOD), (every_other_mode, COVERED), (unequal_modes, SHARED)])
def test_a_metric_worsens_by_every_flaw_but_those_it_does_not_see(
    ring: DataSet, flaw: Callable[..., Tensor], aspect: str
) -> None:
    perfect, flawed = drawn(ring, None), drawn(ring, flaw)
    # Labels are those that samples were drawn with: of a mode that is missed they say nothing.
    judged = (SEARCHABLE & perfect.keys()) - (set(OF_LABELS) if aspect != GOOD else set())
    for metric in judged:
        worse = (flawed[metric].mean() - perfect[metric].mean()) * (-1 if metric in HIGHER else 1)
        noticed = bool(worse > 3 * perfect[metric].std() + 1e-9)
        assert noticed == (aspect not in unseen(metric, raw=True)), f"{metric}: {aspect}"


def test_rows_are_of_metrics_that_can_be_searched() -> None:
    assert UNSEEN_IN_RAW.keys() <= SEARCHABLE
    assert {column.name for column in QUALITY} >= UNSEEN_IN_RAW.keys()


def test_signals_of_training_see_nothing_of_the_samples() -> None:
    assert all(unseen(column.name, raw) == ASKED for column in TRAINING for raw in (True, False))
    assert unseen("fid", raw=False) == unseen("mass_js", raw=True) == ()


def test_a_blind_spot_counts_only_if_something_measured_sees_it() -> None:
    settings = {"raw": True, "modes": True, "better": "mass_js"}
    assert blind_spots(["dirac_converged"], ["dirac_converged", "dirac_agreement"], **settings) == ""
    assert blind_spots(["modes"], ["modes", "recall"], **settings) == ""
    assert "sample quality" in blind_spots(["modes"], ["modes", "precision"], **settings)


def test_what_no_metric_of_several_sees_is_said_of_all() -> None:
    said = blind_spots(["fid", "recall"], ["fid", "mass_js"], raw=True, modes=True, better="mass_js")
    assert said == (
        "search.metric: fid and recall see neither sample quality nor the balance between modes"
        " (in raw features fid sees only mean and covariance); mass_js sees both"
    )
