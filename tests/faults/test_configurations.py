"""What the judge of mutated configurations makes of answers; a slice of its campaign is in `test_main`."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import configurations
import forks
import pytest
from configuration_mutations import MUTATIONS, SHARES, text
from configurations import Checked, checked, miniature
from subject import settings

from study.config import loading


@pytest.mark.parametrize(
    ("answers", "kind", "counts"),
    [
        ([(2, "seed: expected a whole number, got 'x'")], None, {"refused": 1}),
        ([(2, "no")], "vague", {"refused": 1, "vague": 1}),
        ([(1, "no")], "tracebacks", {"tracebacks": 1}),
        ([(0, ""), (0, "")], None, {"accepted": 1, "ran": 1}),
        ([(0, ""), (1, "no")], "failed", {"accepted": 1, "failed": 1}),
        ([(0, ""), (1, "MemoryError")], "too large", {"accepted": 1, "too_large": 1}),
    ],
)
def test_what_check_and_a_run_answer_is_counted(
    answers: list[tuple[int, str]],
    kind: str | None,
    counts: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(configurations, "MUTATIONS", {"none": lambda values, chance: text(values)})
    monkeypatch.setattr(configurations, "SHARES", (1,))
    given, found = iter(answers), Checked()
    monkeypatch.setattr(forks, "call", lambda *_: next(given))
    checked(range(1), 0, tmp_path, found)
    names = ("refused", "accepted", "ran", "too_large", "tracebacks", "vague", "failed")
    assert {name: getattr(found, name) for name in names if getattr(found, name)} == counts
    assert [kind in one for one in found.about] == ([] if kind is None else [True])


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
