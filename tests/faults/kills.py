"""Blows at random moments, drawn from a seed: to workers, drivers, nodes, servers, files, disks and clocks.

A study goes through what befalls it (`acts`) until it is done, and through more: commands about a study that is over,
killed in their midst (`BESIDE`). It is then audited and the next one begun, in the next surroundings, until there were
enough. All kinds have their turn before one has its second (`plan`). No trial is hit more often than it would be
retried, as it would rightly fail then.
"""

from __future__ import annotations

import itertools
import math
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from acts import ACTS, STARTING
from audit import Finding, audit, undisturbed
from disturbance import TRACEBACK, Blow, Disturbance, Surroundings
from subject import Subject, command, kill_group, settings, started
from surroundings import SURROUNDINGS, missing

from analysis.record.loading import RecordError
from study.config import loading
from study.ledger.ledger import end
from study.tracking import waiting

BEGINNING = "run"
WORDS = {"record": ["resume"], "report": ["report"], "export": ["export", "--csv"]}  # `resume` writes the record
BESIDE = {BEGINNING: 2, "record": 4, "report": 3, "export": 2}  # of 50 blows: commands that are killed
AT_ONCE = 3  # of them on one study
IN_TURN = ("disk", "clock", "alone", "cluster")  # surroundings, those with the fewest acts first
LONGEST = 8.0  # seconds until a command is killed


@dataclass
class Toll(Finding):
    """What the audits found of all studies together, and what happened before.

    Attributes:
        studies: how many there were.
        tracebacks: raw exceptions that they printed.
        surprises: what else went otherwise than it must.
        blows: all that was done to them.
        late: sessions that ended, saying so, as Ray or a node had not started in time, and were begun again.
        done: the acts of the plan that are done.
        left_out: surroundings that this machine cannot give, and why.
    """

    FAULTS = (*Finding.FAULTS, "tracebacks", "surprises")

    studies: int = 0
    late: int = 0
    tracebacks: int = 0
    surprises: int = 0
    blows: list[Blow] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, str] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Add what one study's audit found."""
        for name in ("trials", "rows", *Finding.FAULTS):
            setattr(self, name, getattr(self, name) + getattr(finding, name))
        self.about += finding.about

    def table(self) -> str:
        """The blows by kind as a Markdown table, and what was lost."""
        lines = ["| what | times | seconds to recover: median, longest |", "|---|---|---|"]
        for name, times in sorted(Counter(blow.name for blow in self.blows).items()):
            taken = sorted(blow.seconds for blow in self.blows if blow.name == name and blow.seconds is not None)
            spread = f"{taken[len(taken) // 2]:.1f}, {taken[-1]:.1f}" if taken else ""
            lines.append(f"| {name} | {times} | {spread} |")
        lines.append(f"| all | {len(self.blows)} | |")
        why = [f"Left out: {what}, as {why}." for what, why in self.left_out.items()]
        return "\n".join([*lines, "", self.sentence(), *why])

    def sentence(self) -> str:
        """What was lost."""
        return (
            f"{len(self.blows)} blows, {self.studies} studies, {self.trials} trials, {self.rows} rows: {self.lost}"
            f" rows lost, {self.twice} rows twice, {self.trials_lost} trials lost, {self.differing} configurations"
            f" different, {self.untracked} rows different in MLflow, {self.tracebacks} tracebacks,"
            f" {self.surprises} other surprises."
        ) + (f" {self.late} sessions were begun again, as Ray had not started in time." if self.late else "")


def plan(shares: Mapping[str, int], acts: int, seed: int) -> list[str]:
    """The first so many acts of a campaign without end, in which all kinds have their turn.

    A round has each kind as often as its share says: first all once, then those once more that have a share of two and
    more, and so on; each time in an order of the seed's.
    """
    chance, found = random.Random(seed), list[str]()
    while len(found) < acts:
        for turn in range(max(shares.values())):
            kinds = [name for name, share in shares.items() if share > turn]
            chance.shuffle(kinds)
            found += kinds
    return found[:acts]


class Campaign:
    """Studies, one after the other, until there were enough blows."""

    def __init__(self, seed: int, folder: Path, toll: Toll | None = None) -> None:
        """Make the study once undisturbed, to compare with; what is found is added to the toll."""
        self.toll = Toll() if toll is None else toll
        self.toll.left_out = missing()
        self.seed, self.folder = seed, folder
        self._values = settings()
        self._reference = undisturbed(loading.build(self._values), folder / f"undisturbed-{len(self.toll.blows)}")

    def run(self, blows: int, minutes: float = math.inf, say: Callable[[str], None] = lambda _: None) -> Toll:
        """Strike so many times, or a few more, and count; `say` hears of each study.

        The folder of a study with a fault stays. After `minutes` no other study is begun.
        """
        until, turns = time.monotonic() + 60 * minutes, itertools.cycle(IN_TURN)
        while len(self.toll.blows) < blows and time.monotonic() < until:
            left = self._left(blows)
            wanted = {ACTS[name].where for name in left if name in ACTS} or {"alone"}
            where = next(one for one in turns if one in wanted)
            # A place of its own: one of a call that was cut short may still be mounted.
            place = Path(tempfile.mkdtemp(prefix=f"{where}-", dir=self.folder)) / "place"
            with SURROUNDINGS[where](place) as around:
                self._study(around, [name for name in left if name in BESIDE or ACTS[name].where == where])
            say(self.toll.sentence())
        return self.toll

    def _left(self, blows: int) -> list[str]:
        """What is left of the plan of so many acts, in its order."""
        shares = {name: act.share for name, act in ACTS.items() if act.where not in self.toll.left_out} | BESIDE
        done, left = Counter(self.toll.done), list[str]()
        for name in plan(shares, blows, self.seed):
            if done[name]:
                done[name] -= 1
            else:
                left.append(name)
        return left

    def _study(self, around: Surroundings, planned: list[str]) -> None:
        """One study, from its beginning through what befalls it to the audit, with as many acts as it lasts for."""
        toll, before = self.toll, self.toll.faults
        place = around.place / str(toll.studies)
        subject = Subject({**self._values, **around.values}, place / "study", around.environment)
        disturbance = Disturbance(subject, around, random.Random(f"{self.seed} {toll.studies}"))
        acts = {name: act.do for name, act in ACTS.items()}
        mine, beside = [name for name in planned if name in acts], [name for name in planned if name in WORDS][:AT_ONCE]
        try:
            if BEGINNING in planned:
                _begin(disturbance)
            disturbance.until_done(mine, acts)
            _deliver(disturbance)
            for name in beside:
                _cut_short(disturbance, name)
            _conclude(disturbance, {"status", *beside})
            toll.add(audit(subject.folder, self._reference, subject.seen, around.database))
        except (AssertionError, subprocess.TimeoutExpired, OSError, RecordError) as error:
            toll.note("surprises", f"{place}: {type(error).__name__}: {error}")
        finally:
            subject.end()
        toll.studies += 1
        toll.blows += disturbance.blows
        toll.done += disturbance.done
        toll.late += disturbance.late
        for one in disturbance.wrong:
            toll.note("surprises", one)
        toll.note("tracebacks", f"{place}: {subject.said[-1000:]}", subject.said.count(TRACEBACK))
        if toll.faults == before:
            shutil.rmtree(place)
        elif around.disk is not None:  # it will be gone
            shutil.copytree(place, self.folder / f"disk-{toll.studies}")


def _begin(d: Disturbance) -> None:
    """SIGKILL the driver in the first seconds of a new study."""
    d.start()
    d.pause(d.chance.uniform(0, STARTING))
    d.strike(BEGINNING)
    d.done[BEGINNING] += 1
    d.subject.kill()
    d.subject.sweep()


def _deliver(d: Disturbance) -> None:
    """Let MLflow have the rest."""
    subject = d.subject
    if waiting(subject.folder):
        assert d.finish() == 0, subject.said[-1000:]
    lacking = waiting(subject.folder)
    assert not lacking, f"MLflow lacks {lacking} of {end(subject.folder)}: {subject.said[-1000:]}"


def _cut_short(d: Disturbance, name: str) -> None:
    """SIGKILL a command about a study that is over."""
    d.strike(name)
    d.done[name] += 1
    began = started(*WORDS[name], d.subject.folder)
    with suppress(subprocess.TimeoutExpired):
        began.wait(d.chance.uniform(0, LONGEST))
    kill_group(began)


def _conclude(d: Disturbance, names: set[str]) -> None:
    """The commands about the study work."""
    for words in (WORDS.get(name, [name]) for name in sorted(names)):
        found = command(*words, d.subject.folder)
        if found.returncode or TRACEBACK in found.stderr:
            d.wrong.append(f"{words[0]} ended with {found.returncode}: {found.stderr[-1000:]}")
