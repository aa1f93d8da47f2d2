"""A slice of the campaign of mutated configurations, and what its judge makes of an accepted one that fails."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import configurations
import pytest
from configuration_mutations import MUTATIONS, SHARES, text
from configurations import Checked, checked, miniature
from subject import settings

from study.config import loading


def test_a_slice_of_the_campaign_finds_nothing(tmp_path: Path) -> None:
    found = Checked()
    checked(range(0, 40, 10), 0, tmp_path, found)  # of the first base
    assert (found.mutants, found.faults) == (4, 0), found
    assert found.refused + found.accepted == 4


def test_one_that_is_accepted_and_then_fails_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configurations, "MUTATIONS", {"none": lambda values, chance: text(values)})
    monkeypatch.setattr(configurations, "SHARES", (1,))
    monkeypatch.setattr(configurations, "_run", lambda file: (1, "no"))
    found = Checked()
    checked(range(1), 0, tmp_path, found)
    assert (found.accepted, found.failed, found.about) == (1, 1, ["failed: configuration 0 (none): no"])


def test_a_miniature_is_the_same_study_with_less_to_do() -> None:
    config = loading.build(settings(confirm={"top": 3, "replicas": 8, "until": None})).config.resolved()
    small = loading.build(miniature(config)).config
    assert (small.budget.steps, small.budget.evaluations, small.search.trials_per_arm) == (4, 2, 1)
    assert (small.confirm.top, small.confirm.replicas) == (1, 2)
    assert small.scientific == loading.build(config).config.scientific


def test_each_mutation_changes_the_configuration() -> None:
    assert len(MUTATIONS) == len(SHARES)
    plain = settings()
    for name, mutate in MUTATIONS.items():
        chance = random.Random(name)
        assert any(mutate(copy.deepcopy(plain), chance) != text(plain) for _ in range(10)), name
