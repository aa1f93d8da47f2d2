"""Mutated configurations: `check` refuses each in words that name the key, what was expected and what it got, or
accepts it; then it runs for real in miniature, and must come to its end.

In miniature: as configured, but for few steps, evaluations, trials, repeats and seeds; on this process's own training,
or whole with Ray for a sample. All is done in a fork with bounded memory and time; what is too large for these is
counted apart.
"""

from __future__ import annotations

import copy
import io
import random
import re
import resource
import shutil
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import forks
import yaml
from account import Mutants
from configuration_mutations import MUTATIONS, SHARES, text
from in_process import without_ray
from subject import ROOT, command, settings

from study.command.cli import main
from study.config import loading
from study.config.messages import ConfigError
from study.progress.calibration import Calibration

MEMORY = 8 * 2**30  # bytes of address space that a miniature may take
SECONDS = 60  # of a processor core that one may take
PATIENCE = 900.0  # seconds; for a machine that does much else
MEASURED = 20  # every so many-th is measured by `check`, as ever; the others are not, to save time
SAMPLES = 100  # drawn at an evaluation in miniature, at most
NAMED = re.compile(
    r"\bexpected\b.*\bgot\b|unknown (key|hyperparameter|name|setting)|no such setting|expected a value", re.DOTALL
)
WRITTEN = ("beginning", "quickstart", "repeats", "ring", "rounds", "dirac", "papers/dirac", "papers/pacgan_ring")
LARGE = (
    "can't allocate memory",
    "MemoryError",
    "no memory for",
    "Unable to allocate",
    "not enough memory",
    "Cannot allocate memory",
    forks.KILLED,
)


@dataclass
class Checked(Mutants):
    """What became of the mutants.

    Attributes:
        refused: by `check`, with the key, what was expected and what came.
        accepted: by `check`.
        ran: of these, came to their end in miniature.
        whole: of these, how many ran again whole, with Ray.
        too_large: of the accepted, too large for a miniature here.
        unlike: of the accepted, whose miniature is another kind of study, as `check` refuses it.
        vague: refused in words that do not name what is wrong.
        failed: accepted, and failed.
    """

    FAULTS = ("tracebacks", "vague", "failed")

    refused: int = 0
    accepted: int = 0
    ran: int = 0
    whole: int = 0
    too_large: int = 0
    unlike: int = 0
    vague: int = 0
    failed: int = 0

    def sentence(self) -> str:
        """What became of the mutants."""
        return (
            f"{self.mutants} configurations: `check` refused {self.refused} by name and accepted {self.accepted}, of"
            f" which {self.ran} came to their end in miniature, {self.whole} of them with Ray too; {self.too_large}"
            f" were too large for a miniature here, and {self.unlike} are none when made small. {self.tracebacks}"
            f" tracebacks, {self.vague} refusals that do not say what is wrong, {self.failed} accepted and then failed."
        )


def checked(
    numbers: range,
    seed: int,
    folder: Path,
    found: Checked,
    whole: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Mutate configurations, one for each of `numbers`, and add what became of them; every `whole`-th accepted one is
    run with Ray too (0: none). Files of mutants with a fault stay."""
    bases = [settings(tracking={"pictures": 0}), loading.build(settings()).config.resolved()]
    bases += [yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text()) for name in WRITTEN]
    for number in numbers:
        chance = random.Random(f"{seed} {number}")
        values = copy.deepcopy(bases[number % len(bases)])
        [name] = chance.choices([*MUTATIONS], SHARES)
        place = folder / f"configuration-{number}"
        shutil.rmtree(place, ignore_errors=True)  # of a call that was cut short
        place.mkdir(parents=True)
        file = place / "study.yaml.given"
        file.write_bytes(MUTATIONS[name](values, chance))
        before = found.faults
        _one(file, f"configuration {number} ({name})", number % MEASURED == 0, whole, found)
        found.mutants += 1
        found.times[name] += 1
        if found.faults == before:
            shutil.rmtree(place)
        if number % 10 == 9:
            say(found.sentence())


def _one(file: Path, name: str, measure: bool, whole: int, found: Checked) -> None:
    try:
        status, said = forks.call(partial(_bounded, partial(_check, file, measure)), PATIENCE)
    except (RuntimeError, forks.Hung) as error:
        found.note("tracebacks", f"{name}: check: {str(error)[-900:]}")
        return
    if status == 2:
        found.refused += 1
        if not NAMED.search(said):
            found.note("vague", f"{name}: {said[-500:]}")
        return
    if status != 0:
        found.note("tracebacks", f"{name}: check ended with {status}: {said[-500:]}")
        return
    found.accepted += 1
    small = file.with_name("small.yaml")
    try:
        small.write_bytes(text(miniature(loading.load(file).config.resolved())))
        loading.load(small)
    except ConfigError as error:
        found.unlike += 1
        found.about.append(f"{name}: none when made small: {str(error)[:300]}")
        return
    try:
        status, said = forks.call(partial(_bounded, partial(_run, small)), PATIENCE)
    except (RuntimeError, forks.Hung) as error:
        status, said = 99, str(error)
    if status == 0:
        found.ran += 1
        if whole and found.ran % whole == 0:
            ray = command("run", str(small), "--out", str(file.with_name("whole")))
            found.whole += ray.returncode == 0
            if ray.returncode or "Traceback" in ray.stderr:
                found.note("failed", f"{name}: with Ray: {ray.stderr[-900:]}")
    elif any(words in said for words in LARGE):
        found.too_large += 1
        found.about.append(f"{name}: too large: {said[-200:]}")
    else:
        found.note("failed", f"{name}: {said[-1200:]}")


def miniature(config: dict[str, Any]) -> dict[str, Any]:
    """A resolved configuration with less of what takes time, and nothing else changed."""
    small = copy.deepcopy(config)
    budget, search, confirm = small["budget"], small["search"], small["confirm"]
    budget["evaluations"] = min(budget["evaluations"], 2)
    budget["steps"] = budget["evaluations"] * min(2, config["budget"]["steps"] // config["budget"]["evaluations"])
    search["trials_per_arm"] = min(search["trials_per_arm"], 1)
    for name in ("samples", "neighbour_samples"):
        small["evaluation"][name] = min(small["evaluation"][name], SAMPLES)
    search["repeats"] = min(search["repeats"], 2)
    if search["most_repeats"] is not None:
        search["most_repeats"] = min(search["most_repeats"], 4)
    small["replicas"] = min(small["replicas"], 2)
    if confirm["most"] is not None:
        confirm["most"] = max(2, confirm["most"] * 2 // confirm["replicas"])
    confirm["replicas"] = min(confirm["replicas"], 2)
    confirm["top"] = min(confirm["top"], 1)
    small["scheduler"]["grace"] = min(small["scheduler"]["grace"], budget["evaluations"])
    return small


def _bounded(function: Callable[[], tuple[int, str]]) -> tuple[int, str]:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
    resource.setrlimit(resource.RLIMIT_CPU, (used + SECONDS, used + SECONDS))
    return function()


def _check(file: Path, measure: bool) -> tuple[int, str]:
    out, said = io.StringIO(), io.StringIO()
    quick = patch("study.command.study.calibrate", lambda _: Calibration()) if not measure else redirect_stdout(out)
    with quick, redirect_stdout(out), redirect_stderr(said):
        status = main(["check", str(file)])
    return status, said.getvalue()


def _run(file: Path) -> tuple[int, str]:
    said = io.StringIO()
    try:
        with without_ray(), redirect_stdout(said), redirect_stderr(said):
            status = main(["run", str(file), "--out", str(file.with_name("study"))])
    except Exception:
        return 99, said.getvalue()[-300:] + traceback.format_exc()
    return status, said.getvalue()
