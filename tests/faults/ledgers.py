"""Mutated ledgers: what `status`, the record, `export`, `report`, MLflow's batches and `resume` make of each.

What must hold is counted from the bytes alone. A line that stands in the mutated ledger as it stood before is whole:
each of its rows must be in the record with its values, before and after `resume`, once. Exempt are trials that a line
with another content and a right checksum is about, as that line cannot be told from a true one. A line whose checksum
does not fit must be counted by `status`, by the record and by what `resume` says.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import traceback
import zlib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from account import Mutants
from audit import MEASURED, same
from in_process import without_ray
from ledger_mutations import MUTATIONS, Segments
from subject import settings

from analysis.record.loading import load
from study.command.cli import main
from study.config import loading
from study.ledger.ledger import entries
from study.record.build import build_record
from study.tracking.batch import Attempts, gather
from study.tracking.newest_session import NewestSession

SMALL = {
    "budget": {"steps": 8, "evaluations": 4, "batch_size": 8},
    "keep": "none",
    "tracking": {"pictures": 0},
}
STUDIES: dict[str, dict[str, Any]] = {
    "one search": {**SMALL, "search": {"trials_per_arm": 2}, "confirm": {"top": 1, "replicas": 2}},
    "rounds": {**SMALL, "search": {"trials_per_arm": 1}, "confirm": {"replicas": 2, "until": "decided", "most": 4}},
}
UNFINISHED = 0.3  # of the ledgers are those of a study under way
AT_MOST = 3  # mutations of one ledger
EXPORTED, REPORTED = 50, 500  # every so many-th mutant is exported, and reported, whole


@dataclass
class Judged(Mutants):
    """What became of the mutants.

    Attributes:
        resumed: how many of them `resume` took to their end.
        refused: how many it refused with a message.
        rows: whole rows that had to be there, before and after.
        lost, doubled: rows of these that were not there, or not with their values; rows that were there twice.
        unnamed: mutants with a line whose checksum does not fit, of which a reader said nothing.
    """

    FAULTS = ("lost", "doubled", "tracebacks", "unnamed")

    resumed: int = 0
    refused: int = 0
    rows: int = 0
    lost: int = 0
    doubled: int = 0
    unnamed: int = 0

    def sentence(self) -> str:
        """What became of the mutants."""
        return (
            f"{self.mutants} ledgers, {self.rows} whole rows looked for: {self.lost} lost, {self.doubled} doubled,"
            f" {self.tracebacks} tracebacks, damage unnamed {self.unnamed} times; `resume` took {self.resumed} to their"
            f" end and stopped short of it, with a message, in {self.refused}."
        )


def mutated(
    numbers: range, seed: int, folder: Path, judged: Judged, say: Callable[[str], None] = lambda _: None
) -> None:
    """Mutate ledgers, one for each of `numbers`, have everything read them, and add what became of them; folders of
    mutants with a fault stay."""
    studies = [*STUDIES.items()]
    for number in numbers:
        chance = random.Random(f"{seed} {number}")
        name, values = studies[number % len(studies)]
        origin = _origin(folder / name.replace(" ", "-"), values)
        segments = _divided(origin, chance)
        names = [chance.choice([*MUTATIONS]) for _ in range(chance.randint(1, AT_MOST))]
        before = judged.faults
        whole = [line for content in segments.values() for line in content.splitlines(keepends=True)]
        for name in names:
            MUTATIONS[name](segments, chance)
        judged.times.update(names)
        place = folder / f"mutant-{number}"
        _write(place, origin, segments)
        _Judge(place, judged, whole, segments, f"mutant {number} ({', '.join(names)})").run(number)
        judged.mutants += 1
        if judged.faults == before:
            shutil.rmtree(place)
        if number % 10 == 9:
            say(judged.sentence())


def _origin(folder: Path, values: dict[str, Any]) -> Path:
    """A study that is whole, made here unless it is there."""
    if (folder / "study").exists():
        return folder / "study"
    folder.mkdir(parents=True)
    plan = loading.build(settings(**values))
    loading.write(plan.config, folder / "given.yaml")
    _, status, said = _ran("run", str(folder / "given.yaml"), "--out", str(folder / "study"))
    assert status == 0, said
    return folder / "study"


def _divided(origin: Path, chance: random.Random) -> Segments:
    """The lines of a study's ledger, as far as chance goes, in one to three segments."""
    [segment] = (origin / "ledger").glob("*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    if chance.random() < UNFINISHED:
        lines = lines[: chance.randrange(3, len(lines))]
    cuts = sorted(chance.randrange(len(lines)) for _ in range(chance.randrange(3)))
    return {n + 1: b"".join(lines[a:b]) for n, (a, b) in enumerate(zip([0, *cuts], [*cuts, len(lines)], strict=True))}


def _write(place: Path, origin: Path, segments: Segments) -> None:
    shutil.rmtree(place, ignore_errors=True)  # of a call that was cut short
    (place / "ledger").mkdir(parents=True)
    shutil.copy(origin / "study.yaml", place)
    for number, content in segments.items():
        (place / "ledger" / f"{number:04d}.jsonl").write_bytes(content)


class _Judge:
    """Has everything read one mutant, and counts."""

    def __init__(self, place: Path, judged: Judged, before: list[bytes], segments: Segments, name: str) -> None:
        self.place, self.judged, self.name = place, judged, name
        now = [line for content in segments.values() for line in content.splitlines(keepends=True)]
        self.torn = any(not _fits(line) for line in now)
        known = {*before}
        new = [line for line in now if line not in known and _fits(line)]
        gone = known - {*now}
        exempt = {_trial(line) for line in new} | ({_trial(line) for line in gone} if new else set())
        self.whole = _rows([line for line in known & {*now} if _trial(line) not in exempt])

    def run(self, number: int) -> None:
        """All of it."""
        if (
            self._reads(
                "gather", lambda: gather((e for _, e in entries(self.place)), Attempts(), {}, NewestSession().higher)
            )
            is None
        ):
            return
        said = self._command("status", str(self.place), "--json")
        if said is not None and self.torn and not json.loads(said)["damaged"]:
            self.judged.note("unnamed", f"{self.name}: status")
        self._record()
        if number % EXPORTED == 0:
            self._command("export", str(self.place), "--csv")
        if number % REPORTED == 0:
            self._command("report", str(self.place))
        said = self._command("resume", str(self.place))
        if said is not None:
            if self.torn and "unreadable" not in said:
                self.judged.note("unnamed", f"{self.name}: resume")
            self._record()

    def _record(self) -> None:
        """Build and load the record, and look for the whole rows."""
        written = self._reads("record", lambda: build_record(self.place))
        record = written and self._reads("record", lambda: load(self.place))
        if record is None:
            return
        if self.torn and not (written.damage.count and record.about["damaged"]):
            self.judged.note("unnamed", f"{self.name}: record")
        history = record.history
        keys = zip(*(history[name] for name in ("trial_id", "seed", "step")), strict=True)
        found = dict(zip(keys, history.to_dict("records"), strict=True))
        self.judged.note("doubled", f"{self.name}: rows twice", len(history) - len(found))
        lost = [key for key, row in self.whole.items() if key not in found or not _equal(row, found[key])]
        self.judged.rows += len(self.whole)
        self.judged.note("lost", f"{self.name}: {lost[:3]}", len(lost))

    def _reads(self, what: str, read: Callable[[], Any]) -> Any:
        """What a reader returns; None where it raises."""
        try:
            return read()
        except Exception:
            self.judged.note("tracebacks", f"{self.name}: {what}: {traceback.format_exc()[-900:]}")
            return None

    def _command(self, *words: str) -> str | None:
        """What a command says; None where it raises or refuses."""
        raised, status, said = _ran(*words)
        if raised or status not in (0, 1, 2):
            self.judged.note("tracebacks", f"{self.name}: {words[0]}: {raised[-900:]}")
        elif words[0] == "resume":
            self.judged.resumed += status == 0
            self.judged.refused += status != 0
            if status:
                self.judged.about.append(f"{self.name}: refused: {said[-300:]}")
        elif status:
            self.judged.note("tracebacks", f"{self.name}: {words[0]} ended with {status}: {said[-500:]}")
        return said if status == 0 and not raised else None


def _ran(*words: str) -> tuple[str, int, str]:
    """A command in this process, without Ray: the traceback of what it raised, its status, and what it said."""
    out, said = io.StringIO(), io.StringIO()
    try:
        with without_ray(strict=False), redirect_stdout(out), redirect_stderr(said):
            status = main(words)
    except Exception:
        return traceback.format_exc(), -1, said.getvalue()
    return "", status, out.getvalue() if "--json" in words and not status else out.getvalue() + said.getvalue()


def _fits(line: bytes) -> bool:
    return line[-1:] == b"\n" and line[:9] == b"%08x " % zlib.crc32(line[9:-1])


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line[9:])
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _trial(line: bytes) -> Any:
    """The trial that a line is about, or its kind."""
    found = _parsed(line)
    return str(found.get("trial_id", found.get("kind")))


def _rows(lines: list[bytes]) -> dict[tuple[str, int, int], dict[str, Any]]:
    """What the record must hold of whole lines: by trial, seed and step, measurement by measurement."""
    results = [found for found in map(_parsed, lines) if found.get("kind") == "result"]
    return {
        (one["trial_id"], seed, one["step"]): {
            name: values[place] for name, values in one["columns"].items() if name in MEASURED
        }
        for one in results
        for place, seed in enumerate(one["seeds"])
    }


def _equal(wanted: dict[str, Any], row: dict[str, Any]) -> bool:
    return all(same(row[name], value) for name, value in wanted.items())
