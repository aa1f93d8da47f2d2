"""Kills by the hundred: commands in forks of this process, without Ray, killed at random instants.

A kill costs its few seconds alone and falls anywhere: while the folder is made, the ledger locked, an entry appended, a
trial trained, the record written, MLflow told (its tracker is there as ever), or the page drawn. What only workers and
Ray can do is left to `kills`.
"""

from __future__ import annotations

import math
import random
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import forks
from audit import Finding, Reference, audit, undisturbed
from disturbance import TRACEBACK, Blow
from in_process import without_ray
from kills import Toll
from subject import Acknowledged, acknowledged, settings

from study.command.cli import main
from study.config import loading
from study.ledger.ledger import entries
from study.progress.status import status
from study.tracking import sync, waiting

SMALL = {"budget": {"steps": 40, "evaluations": 4, "batch_size": 16}, "search": {"trials_per_arm": 4}}
LIVES = {"run or resume": 4.0, "record": 1.5, "report": 15.0, "export": 6.0, "status": 0.2}  # seconds, at most
WORDS = {"record": ["resume"], "report": ["report"], "export": ["export", "--csv"], "status": ["status"]}
BEFORE, AFTER = 8, ["record"] * 4 + ["report"] * 3 + ["export"] * 2 + ["status"]  # kills of one study
MOST_WRONG = 10  # studies, after which the campaign stops
PATIENCE = 300.0  # seconds for a command that is not killed
DELIVERY = 60.0  # seconds that MLflow gets in the end


def forked(
    kills: int,
    seed: int,
    folder: Path,
    toll: Toll,
    minutes: float = math.inf,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Kill until there were so many, or a few more, and add to the toll; the folder of a study with a fault stays.

    After `minutes` no other study is begun.
    """
    plan, until = loading.build(settings(**SMALL)), time.monotonic() + 60 * minutes
    reference = forks.call(partial(undisturbed, plan, folder / f"undisturbed-{toll.studies}"))
    while len(toll.blows) < kills and toll.surprises < MOST_WRONG and time.monotonic() < until:
        chance = random.Random(f"{seed} {toll.studies}")
        place, before = folder / f"forked-{toll.studies}", toll.faults
        shutil.rmtree(place, ignore_errors=True)  # of a call that was cut short
        place.mkdir()
        loading.write(plan.config, place / "given.yaml")
        try:
            _study(place, chance, toll, reference)
        except (AssertionError, RuntimeError) as error:
            toll.note("surprises", f"{place.name}: {str(error)[-1000:]}")
        toll.studies += 1
        said = (place / "log").read_text(errors="replace")
        toll.note("tracebacks", f"{place.name}: {said[-1000:]}", said.count(TRACEBACK))
        if toll.faults == before:
            shutil.rmtree(place)
        say(toll.sentence())


def _study(place: Path, chance: random.Random, toll: Toll, reference: Reference) -> None:
    study, seen = place / "study", set[Acknowledged]()
    begun = ["run", str(place / "given.yaml"), "--out", str(study)]
    for _ in range(BEFORE):
        words = ["resume", str(study)] if (study / loading.STUDY_FILE).exists() else begun
        if not _killed("run or resume", words, place, chance, toll):
            break
        seen |= forks.call(partial(_seen, study))
    _whole(["resume", str(study)] if (study / loading.STUDY_FILE).exists() else begun, place)
    for name in AFTER:
        _killed(name, [*WORDS[name], str(study)], place, chance, toll)
    for words in WORDS.values():
        _whole([*words, str(study)], place)
    toll.add(forks.call(partial(_audited, study, reference, seen)))


def _killed(name: str, words: list[str], place: Path, chance: random.Random, toll: Toll) -> bool:
    """Whether a command was killed before its end."""
    process = forks.begin(partial(_command, words), place / "log")
    status = forks.ended(process, chance.uniform(0, LIVES[name]))
    if status is None:
        forks.end(process)
        toll.blows.append(Blow(f"{name}, forked"))
    else:
        assert status == 0, f"{words} ended with {status}"
    return status is None


def _whole(words: list[str], place: Path) -> None:
    """Run a command to its end."""
    process = forks.begin(partial(_command, words), place / "log")
    status = forks.ended(process, PATIENCE)
    if status is None:
        forks.end(process)
    assert status == 0, f"{words} ended with {status}: {(place / 'log').read_text(errors='replace')[-1000:]}"


def _command(words: list[str]) -> int:
    with without_ray(tracked=True):
        return main(words)


def _seen(study: Path) -> set[Acknowledged]:
    try:
        return {*acknowledged([entry for _, entry in entries(study)])}
    except FileNotFoundError:
        return set()


def _audited(study: Path, reference: Reference, seen: set[Acknowledged]) -> Finding:
    plan = loading.load(study / loading.STUDY_FILE)
    assert sync(study, plan.config, DELIVERY, "FINISHED") == 0, f"MLflow lacks {waiting(study)}"
    assert status(study).state == "done"
    return audit(study, reference, seen)
