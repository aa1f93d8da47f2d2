"""The command report: a study's record and its report, handed to MLflow, or one report of records from anywhere."""

from __future__ import annotations

import logging
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import analysis.report
from analysis.figures.own_style import in_style, read_style
from analysis.report import Choice
from analysis.report.bundle import write_bundle
from analysis.report.derivation import EVERYTHING
from study.command.choice import choice_of, refusing
from study.command.folder import readable, refuse_irregular, study_folder
from study.command.output import DONE, print_json
from study.command.own import strange_places
from study.config import loading
from study.config.addresses import masked
from study.config.arms import constants_of, of_one_pair
from study.config.messages import ConfigError
from study.config.notes import blind_note, label_note, slope_note
from study.config.plan import StudyPlan
from study.config.spaces import name_of
from study.progress.status import status
from study.record import sources
from study.record.build import build_record
from study.tracking import Ending, damage, sync, why_waiting
from study.tracking.download import RUN
from study.tracking.renewal import renew
from trainables import own_code
from trainables.objectives.induced import explain, resolved
from trainables.objectives.pairing import explain_pairing
from trainables.spec import MEANINGLESS, Spec

LOGGER = logging.getLogger(__name__)
DELIVERY = 30.0  # seconds that MLflow gets to take the report


def report(options: Namespace) -> int:
    """Write a study's report, or one of records from anywhere, joined."""
    choice = choice_of(options)
    with analysis.report.uncollected(), in_style(_style(options.style)), refusing():
        page = _page(options, choice)
    paths = {"report": str(page)}
    if options.bundle:
        paths["bundle"] = str(_bundle(page.parent.parent))
    if options.json:
        print_json(paths)
    else:
        print(*paths.values(), sep="\n")
    return DONE


def write(folder: Path, plan: StudyPlan, same_within: float | None = None, choice: Choice = EVERYTHING) -> Path:
    """Write `report/index.html` of the study in `folder`, finished or not, and return its path.

    `plan` is that of its study.yaml, `same_within` a margin, and `choice` what is shown, as of `analysis.report.write`.

    Raises:
        FileNotFoundError: the folder holds no study.
        OSError: it could not be written; the former report stays.
    """
    build_record(folder)
    return analysis.report.write(
        folder,
        state=status(folder, plan).to_dict(),
        objectives=_objectives([plan]),
        notes=_notes([plan]),
        same_within=same_within,
        choice=choice,
    )


def gather(
    places: Sequence[str],
    out: Path,
    tracking: str | None = None,
    same_within: float | None = None,
    choice: Choice = EVERYTHING,
) -> Path:
    """Bring records from anywhere (see `study.record.sources`) into `out` and write their one report there; its path.

    `same_within` is a margin, and `choice` what is shown, as of `analysis.report.write`.

    Raises what `study.record.sources.fetch` raises, and `ConfigError` for links that lead out of a study folder.
    """
    studies = [place for place in map(Path, places) if place.is_dir() and sources.is_study(readable(place))]
    for study in studies:
        refuse_irregular(study)
    found = sources.fetch(places, out, tracking)
    state = status(studies[0]).to_dict() if studies and len(places) == 1 else None
    plans = [plan for _, kept in found if (plan := _plan(kept.about)) is not None]
    return analysis.report.write(
        out,
        [folder for folder, _ in found],
        state=state,
        objectives=_objectives(plans),
        notes=_notes(plans),
        same_within=same_within,
        choice=choice,
    )


def deliver(folder: Path, plan: StudyPlan) -> int:
    """Log the report to the study's MLflow run, unless the study is running and will do so itself at its end, or it is
    somebody else's study at a place that this user never tracked it at, or its folder's database cannot be used.

    Returns how many ledger entries MLflow still lacks; while there are any the report waits with them.
    """
    state = status(folder, plan).state
    if state == "running" or not (folder / "tracking.json").exists():
        return 0
    if strange := strange_places(plan.config, folder):
        named = ", ".join(masked(place) for place in strange)
        print(f"the report stays here: {named} is not a place that you began this study with", file=sys.stderr)
        return 0
    if plan.config.tracking.uri is None and (broken := damage(folder)):
        print(f"the report has not reached MLflow: {broken}", file=sys.stderr)
        return 0
    ending: Ending = "FINISHED" if state == "done" else "KILLED"
    return 0 if renew(folder, plan, ending) else sync(folder, plan.config, DELIVERY, ending)


def _page(options: Namespace, choice: Choice) -> Path:
    first, *others = options.sources
    margin = options.same_within
    if margin is not None and not 0 < margin < 1:
        raise ConfigError(f"--same-within: expected a number above 0 and below 1, got {margin}")
    runs = [source for source in options.sources if source.startswith(RUN)]
    if options.tracking is not None and not runs:
        raise ConfigError(f"--tracking: expected with a source {RUN}RUN_ID, got it without")
    if options.out is not None:
        return gather(options.sources, options.out, options.tracking, margin, choice)
    if others or runs or (sources.holds_record(Path(first)) and not sources.is_study(Path(first))):
        what = f"{len(options.sources)} sources" if others else f"{first}, which is no study folder"
        raise ConfigError(f"--out: expected a folder for the records and the report of {what}, got none")
    folder = study_folder(Path(first))
    plan = loading.load(folder / loading.STUDY_FILE)
    try:
        page = write(folder, plan, margin, choice)
    except OSError as error:
        if error.errno not in sources.REFUSED:
            raise
        said = f"which this user cannot write ({error.filename}: {error.strerror})"
        raise ConfigError(f"--out: expected a folder for the record and the report of {first}, {said}") from None
    if waiting := deliver(folder, plan):
        print(_waiting(folder, plan, waiting), file=sys.stderr)
    return page


def _waiting(folder: Path, plan: StudyPlan, entries: int) -> str:
    """That entries of the ledger wait for MLflow, and why, as far as it is known."""
    why = why_waiting(folder, plan.config)
    wait = "entry of the ledger still waits" if entries == 1 else "entries of the ledger still wait"
    return f"the report has not reached MLflow, for which {entries} {wait}{f': {why}' if why else ''}"


def _style(path: Path | None) -> Mapping[str, Any]:
    try:
        return {} if path is None else read_style(path)
    except ValueError as error:
        raise ConfigError(f"--style: {error}") from None


def _bundle(folder: Path) -> Path:
    """The archive of the report in `folder`, with its own record or with those beside the report."""
    beside = sorted(place for place in folder.iterdir() if place.is_dir() and sources.holds_record(place))
    return write_bundle(folder, [] if sources.holds_record(folder) else beside)


def _plan(about: Any) -> StudyPlan | None:
    """The study whose configuration a record holds; None, and a warning, where this version cannot read it."""
    try:
        return loading.build(about.get("config", {}))
    except ConfigError as error:
        first = str(error).splitlines()[0]
        LOGGER.warning("%s: its pairs (f, g) are not explained: %s", about.get("study"), first)
        return None


def _objectives(plans: Iterable[StudyPlan]) -> list[dict[str, Any]]:
    """The explanation of every pair (f, g) in the studies' arms, each once.

    A pair in Python has none: a report is read by those who did not write it, and imports nothing. Nor has one that is
    searched.
    """
    found: dict[str, dict[str, Any]] = {}
    for plan in plans:
        for arm in plan.arms:
            constants = constants_of(plan.config, arm)
            objective = constants.get("objective", "non_saturating")
            generator, pairing = constants.get("generator_loss", "default"), constants.get("pairing", "independent")
            critic = "objective" not in MEANINGLESS.get(constants.get("model", Spec.model), ())
            if not (critic and of_one_pair(arm)) or own_code.is_location(name_of(objective)):
                continue
            key = f"{objective} {generator} {pairing}"
            if key not in found and pairing == "independent":
                found[key] = explain(objective, generator_loss=generator).to_dict()
            elif key not in found:
                found[key] = explain_pairing(resolved(objective, generator), pairing).to_dict()
    return list(found.values())


def _notes(plans: Sequence[StudyPlan]) -> list[str]:
    """What `check` notes that bears on the answer: what arms lack that their pair needs, what a search cannot see."""
    found = [(plan, note) for plan in plans for note in (slope_note(plan), blind_note(plan), label_note(plan)) if note]
    return [f"{note}." if len(plans) == 1 else f"{plan.config.study}: {note}." for plan, note in found]
