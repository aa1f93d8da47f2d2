"""What `check` and `status` print for people, as plain tables; `--json` is for programs."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.results.unbegun import WORST, has_begun
from analysis.wording import duration, moment
from study.config.addresses import masked
from study.config.budget import UNITS
from study.ledger.damage import NAMED, shortened
from study.progress.packing import in_packs
from study.progress.power import sentences
from study.search.scores import none_allowed

if TYPE_CHECKING:
    from study.config.schema import StudyConfig
    from study.config.sections import Budget
    from study.progress.forecast import ArmForecast, Forecast
    from study.progress.power import PowerForecast
    from study.progress.status import Counts, Status


def show_forecast(
    config: StudyConfig, expected: Forecast, power: PowerForecast | None = None, console: Console | None = None
) -> None:
    """Print a study's arms, what each searches, what all of it will cost, and what it can find."""
    from study.progress.look_words import to_come  # brings pandas, which explaining an objective does without

    console = console or terminal()
    budget, replicas = config.budget, config.replicas
    console.print(Text(f"{expected.study}: {expected.data}, {_many(len(expected.arms), 'arm')}"))
    console.print(
        f"a trial: {_many(replicas, 'replica')}, {_amount(budget)} each, measured {_many(budget.evaluations, 'time')}"
    )
    if expected.repeats > 1:
        console.print(_searches(config))
    console.print(Text(_metrics(config, expected)))
    if any(config.titles):
        chosen = {arm.name: ", ".join(f"{key} {said}" for key, said in arm.choices.items()) for arm in expected.arms}
        console.print(_spaces("arm", chosen, "chosen in it"))
    shared = _shared(expected.arms)
    if shared:
        console.print(_spaces("searched in every arm", shared))
    console.print(_arms(expected, shared))
    most = _most(config)
    updates = budget.equal.name == "updates"
    console.print(
        f"in all {most}{_many(expected.trials, 'trial')} of {_many(expected.replicas, 'replica')}, "
        f"{expected.evaluations:,} evaluations, {'' if updates else 'about '}{expected.updates:,} generator updates"
    )
    for line in in_packs(config, expected.repeats, [arm.packing for arm in expected.arms]):
        console.print(Text(line))
    console.print(cost(config, expected))
    if expected.kept_bytes:
        kept = {"confirmed": "confirmed", "best": "confirmed and each search's best", "all": "all"}
        console.print(
            f"generators kept of {kept[config.keep.generators]} trials{' with their critics' * config.keep.critics}:"
            f" {most}{_bytes(expected.kept_bytes)}"
        )
    for line in (*to_come(config), *(sentences(power) if power else ())):
        console.print(Text(line))
    for warning in expected.warnings:
        console.print(Text(f"note: {warning}"))


def show_beginning(config: StudyConfig, expected: Forecast, folder: Path, resuming: bool) -> None:
    """Print at once what is begun, or gone on with, and where it goes: what follows takes seconds."""
    uri = config.tracking.uri
    runs = f"MLflow's runs at {masked(uri)}" if uri else f"MLflow's runs in it (`ganstudy ui {folder}`)"
    console = terminal()
    counts = f"{_many(len(expected.arms), 'arm')}, {_most(config)}{_many(expected.trials, 'trial')}"
    console.print(Text(f"{'going on with ' * resuming}{expected.study}: {counts}; into {folder}, {runs}"))


def show_status(found: Status, console: Console | None = None) -> None:
    """Print a study's status: its trials, one row per arm, and what went wrong."""
    console = console or terminal()
    by = f", by process {found.holder.pid} on {found.holder.host}" if found.holder else ""
    console.print(Text(f"{found.study} in {found.folder}: {found.state}{by}"))
    if found.stopped:
        console.print(Text(f"stopped {moment(found.stopped.time)}: {found.stopped.reason}"))
    counts = [f"{count} {name}" for name, count in asdict(found.trials).items() if count and name != "total"]
    console.print(f"of {_many(found.trials.total, 'trial')}: {', '.join(counts)}")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("arm", no_wrap=True)
    repeated = any(arm.repeat for arm in found.arms)
    for title in (*(["repeat"] if repeated else []), "search", "confirm", f"best {found.metric}"):
        table.add_column(title, justify="right")
    table.add_column("outcomes of its replicas")
    for arm in found.arms:
        best = "" if arm.best is None else f"{arm.best:.4g}"
        outcomes = ", ".join(f"{count} {name}" for name, count in sorted(arm.outcomes.items()))
        repeat = [str(arm.repeat)] if repeated else []
        cells = (arm.arm, *repeat, _progress(arm.search), _progress(arm.confirm), best, outcomes)
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    searches = [(arm, f"{arm.arm}, repeat {arm.repeat}" if repeated else arm.arm) for arm in found.arms]
    none = [name for arm, name in searches if arm.beyond]
    if found.diverged_at_most is not None and none:
        console.print(Text(f"{none_allowed(found.diverged_at_most)}: {', '.join(none)}"))
    for arm, name in searches:
        if arm.outcomes.get("stalled") and arm.best is not None and not has_begun(found.metric, arm.best):
            console.print(
                Text(
                    f"{name}: stalled with {found.metric} at {arm.best:.4g} at the best, where"
                    f" {WORST[found.metric]:.4g} is the worst: budget.steps may be too short for it to begin"
                )
            )
    if found.earlier_rule:
        console.print("outcomes are as an earlier rule told them when trials ended; the report tells them afresh")
    for look in found.looks:
        console.print(Text(look))
    for trial, message in found.failures.items():
        console.print(Text(f"{trial} failed: {message}"))
    if found.tracking.waiting:
        trouble = found.tracking.trouble
        waiting = _many(found.tracking.waiting, "entry").replace("entrys", "entries")
        console.print(Text(f"MLflow lacks {waiting} of the ledger{f': {trouble}' if trouble else ''}"))
    if found.damaged:
        console.print(f"{_many(found.damaged, 'place')} of the ledger unreadable, skipped")
        for place in found.damage[:NAMED]:
            console.print(Text(f"  {place}"))
    for line in shortened(found.lacking):
        console.print(Text(line))


def _progress(phase: Counts) -> str:
    """`12/20`, and whatever is not simply done or still to come."""
    counts = (("failed", phase.failed), ("running", phase.running), ("interrupted", phase.interrupted))
    special = [f"{count} {name}" for name, count in counts if count]
    return " ".join([f"{phase.done}/{phase.total}", *([f"({', '.join(special)})"] if special else [])])


def _spaces(title: str, spaces: Mapping[str, str], second: str = "") -> Table:
    table = Table(title, second, box=SIMPLE_HEAD, pad_edge=False)
    for name, space in spaces.items():
        table.add_row(Text(name), Text(space))
    return table


def _shared(arms: tuple[ArmForecast, ...]) -> dict[str, str]:
    """What every arm searches, in the same space."""
    return {name: space for name, space in arms[0].space.items() if all(arm.space.get(name) == space for arm in arms)}


def _arms(expected: Forecast, shared: Mapping[str, str]) -> Table:
    own = any(arm.space.keys() - shared for arm in expected.arms)
    confirm = any(arm.confirm_trials for arm in expected.arms)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("arm", no_wrap=True)
    if own:
        table.add_column("searched besides", overflow="fold")
    ranges = {
        title: [getattr(arm, name) for arm in expected.arms]
        for title, name in (("updates a replica", "steps"), ("real samples a replica", "samples"))
    }
    ranges = {title: counts for title, counts in ranges.items() if len({*itertools.chain(*counts)}) > 1}
    for title in ("trials", *(["confirmed"] if confirm else []), *ranges, "updates", "core time"):
        table.add_column(title, justify="right")
    for place, arm in enumerate(expected.arms):
        besides = [f"{name} {space}" for name, space in arm.space.items() if name not in shared]
        cells = [arm.name, *([", ".join(besides)] if own else []), _times(expected, arm.search_trials)]
        cells += [_times(expected, arm.confirm_trials)] if confirm else []
        cells += [_range(*counts[place]) for counts in ranges.values()]
        table.add_row(*(Text(cell) for cell in [*cells, f"{arm.updates:,}", duration(arm.core_seconds)]))
    return table


def _searches(config: StudyConfig) -> str:
    """How often every arm is searched, where that is more than once."""
    search, confirm = config.search, config.confirm
    top = min(confirm.top, search.trials_per_arm)
    found = "its best configuration" if top == 1 else f"its {top} best configurations"
    again = f"; of each {found} again on {_many(confirm.replicas, 'fresh seed')}" if confirm else ""
    return f"every arm: {search.repeats} independent searches of {_many(search.trials_per_arm, 'trial')}{again}"


def _metrics(config: StudyConfig, expected: Forecast) -> str:
    """The metrics in use, whether the configuration names them or leaves them to the data."""
    searched = zip(expected.searched_by, config.search.modes, strict=True)
    by = ", ".join(f"{metric} ({mode})" for metric, mode in searched)
    return f"search.metric: {by}; outcomes.metric: {', '.join(expected.judged_by) or 'none is measured'}"


def _amount(budget: Budget) -> str:
    """What every replica spends alike, `1,280,000 real samples`."""
    amount = budget.steps * (budget.equal.per_step or 1.0)
    return (
        f"{amount:.3g} operations" if budget.equal.name == "arithmetic" else f"{amount:,.0f} {UNITS[budget.equal.name]}"
    )


def _times(expected: Forecast, trials: int) -> str:
    """The trials of an arm, `3 × 20` in three repeats."""
    return str(trials) if expected.repeats == 1 else f"{expected.repeats} × {trials // expected.repeats}"


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} … {high:,}"


def _most(config: StudyConfig) -> str:
    """What stands before numbers that a study may stay below."""
    return "at most " if config.scheduler.name != "none" or config.confirm.until is not None else ""


def cost(config: StudyConfig, expected: Forecast) -> str:
    """What a study takes, in a sentence or two; the estimate is rough, and says so."""
    shares = ", ".join(
        f"{name} {seconds / expected.core_seconds:.0%}"
        for name, seconds in expected.parts._asdict().items()
        if name != "report" and seconds >= expected.core_seconds / 200
    )
    sentence = f"estimate: {_most(config)}{duration(expected.core_seconds)} of one core ({shares})"
    if config.resources.gpu:
        return f"{sentence}, right within a factor of two or so; what a GPU gains is not in it"
    error = "1.5 by what was measured here just now" if expected.calibrated else "two or so"
    with_workers = f"{duration(expected.seconds)} with {_many(expected.workers, 'worker')} here"
    if expected.seconds * expected.workers < expected.core_seconds:
        with_workers += ", as Ray and the driver keep another core busy meanwhile"
    return (
        f"{sentence}; {with_workers}, right within a factor"
        f" of {error} where nothing else runs{_burdened(expected)}; then {duration(expected.parts.report)} for the"
        " report"
    )


def _burdened(expected: Forecast) -> str:
    """What else runs, where that makes the study longer by a quarter or more."""
    if expected.slowdown < 1.25:
        return ""
    return (
        f" (now other processes want {expected.load:.2g} of {_many(expected.cores, 'core')}: while they do, about"
        f" {duration(expected.seconds * expected.slowdown)})"
    )


def _bytes(count: int) -> str:
    """Two figures at least: `850 kB`, `1.3 GB`."""
    for unit, size in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count < 1000 * size:
            return f"{count / size:.2g} {unit}" if count < 100 * size else f"{count / size:.0f} {unit}"
    return f"{count / 1e12:,.2g} TB"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


class Terminal(Console):
    """A console whose reader may leave: that is a `BrokenPipeError`, as with `print`, where rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """What rich calls while it handles the error."""
        raise BrokenPipeError


def terminal() -> Console:
    """A console on standard output; lines are not wrapped where that is a file or pipe."""
    return Terminal(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
