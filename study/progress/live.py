"""What the terminal shows of a running study: a live table, or plain lines where there is no terminal."""

from __future__ import annotations

import time

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from analysis.wording import duration
from study.config.plan import StudyPlan
from study.ledger.entries import Ended, Entry, Look, Planned
from study.ledger.state import TrialState
from study.progress.forecast import seconds_of_arms
from study.progress.look_words import made
from study.progress.tables import Terminal
from study.progress.tally import ArmTally, PhaseTally, Tally
from study.search.scores import medians, none_allowed

CALM = 0.5  # seconds between two pictures of the table
OTHER_LINES = 8  # of the terminal, besides the arms


class Progress:
    """Shows `tally`, which it keeps up to date as a listener of the journal.

    A context manager, within which the terminal belongs to it. `tick` may be called often and redraws at most every
    `CALM` seconds; `say` prints a line that stays.
    """

    def __init__(self, plan: StudyPlan, tally: Tally, console: Console | None = None) -> None:
        """Show the study `plan`; by default on standard output."""
        self.console = console or Terminal(highlight=False, soft_wrap=True)
        self.tally = tally
        self._config, self._goal = plan.config, plan.goal
        self._live = (
            Live(console=self.console, auto_refresh=False, transient=True) if self.console.is_terminal else None
        )
        self._drawn = float("-inf")
        self._done = 0.0  # seconds of a core that what was trained in this session should have taken
        self._each = {arm: seconds / plan.config.replicas for arm, seconds in seconds_of_arms(plan).items()}
        self._started: float | None = None
        self._doing = ""

    def __enter__(self) -> Progress:
        """Take the terminal."""
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Give the terminal back, the last table standing."""
        if self._live:
            self._live.stop()
            self.console.print(self._table())

    def say(self, text: str) -> None:
        """A line that stays."""
        self.console.print(Text(text))

    def doing(self, text: str) -> None:
        """What goes on while no trial runs; empty when trials run."""
        self._doing = text
        self._started = time.monotonic() if not text and self._started is None else self._started
        if self._live:
            self.tick(now=True)
        elif text:
            self.say(text)

    def on_entry(self, entry: Entry, trial: TrialState | None) -> None:
        """Take in a journal entry; a line for each ending where there is no terminal, and for failures always."""
        if isinstance(entry, Look):
            self.tally.on_look()
            self.say(made(entry))
        elif trial is not None and isinstance(entry, Planned):
            self.tally.on_planned(trial)
        elif trial is not None and isinstance(entry, Ended):
            self.tally.on_ended(trial)
            self._done += self._seconds(trial.arm, len(trial.seeds))
            if trial.status == "failed":
                self.say(f"{trial.trial_id} failed: {trial.message}")
            elif self._live is None:
                self.say(f"{trial.trial_id} {trial.status}: {self._result(trial)} ({self._line()})")

    def tick(self, now: bool = False) -> None:
        """Draw the table if it is time, or `now`."""
        if self._live and (now or time.monotonic() - self._drawn >= CALM):
            self._live.update(Group(self._table(), Text(self._line())), refresh=True)
            self._drawn = time.monotonic()

    def left(self) -> float | None:
        """Seconds until the study ends at the pace of this session, arms in proportion to their estimates; None while
        that is unknown."""
        steps, whole, begun = self._config.budget.steps, 0.0, 0.0
        for trial in self.tally.open.values():
            seconds = self._seconds(trial.arm, len(trial.seeds))
            whole += seconds
            begun += seconds * trial.last_step / trial.spec.get("steps", steps)
        if self._started is None or not self._done + begun:
            return None
        for one in self.tally.searches.values():
            whole += self._seconds(one.arm, one.search.missing * self._config.replicas)
            whole += self._seconds(one.arm, one.confirm.missing * one.confirm_replicas)
        return (whole - begun) * (time.monotonic() - self._started) / (self._done + begun)

    def _seconds(self, arm: str, replicas: int) -> float:
        """What so many replicas of an arm should take; of an arm that the study has no more, as of the dearest."""
        return self._each.get(arm, max(self._each.values())) * replicas

    def _line(self) -> str:
        phases = self.tally.phases
        ended = sum(phase.done + phase.failed for phase in phases)
        words = [f"{ended} of {ended + self.tally.left} trials"]
        if self._doing:
            words.append(self._doing)
        elif left := self.left():
            words.append(f"about {duration(left)} left")
        return ", ".join(words)

    def _result(self, trial: TrialState) -> str:
        values = zip(self._goal.metrics, medians(trial.scores, self._goal), strict=True)
        words = [f"{name} {value:.4g}" for name, value in values]
        diverged = sum(score is None for score in trial.scores)
        return ", ".join([*words, *([f"{diverged} of {len(trial.scores)} diverged"] if diverged else [])])

    def _table(self) -> Table:
        arms = self.tally.over_repeats()
        confirm = any(one.confirm.wanted for one in arms)
        failed = any(phase.failed for phase in self.tally.phases)
        titles = ["search", *(["confirm"] if confirm else []), f"best {self._config.search.metrics[0]}", "diverged"]
        table = Table("arm", box=SIMPLE_HEAD, pad_edge=False, title=self._config.study, title_justify="left")
        for title in [*titles, *(["failed"] if failed else [])]:
            table.add_column(title, justify="right")
        shown = arms[: max(1, self.console.height - OTHER_LINES)] if self._live else arms
        for one in shown:
            table.add_row(*(Text(cell) for cell in _cells(one, confirm, failed)))
        none = [one.arm for one in shown if one.beyond]
        notes = [f"{none_allowed(self._goal.diverged_at_most or 0.0)}: {', '.join(none)}"] if none else []
        if len(shown) < len(arms):
            notes.insert(0, f"and {len(arms) - len(shown)} more arms")
        table.caption = "; ".join(notes) or None
        return table


def _cells(one: ArmTally, confirm: bool, failed: bool) -> list[str]:
    cells = [one.arm, _share(one.search), *([_share(one.confirm)] if confirm else [])]
    cells.append("–" if one.best is None else f"{one.best:.4g}")
    cells.append("–" if one.diverged is None else f"{one.diverged:.0%}")
    return [*cells, *([str(one.search.failed + one.confirm.failed)] if failed else [])]


def _share(phase: PhaseTally) -> str:
    running = f" ({phase.under_way} running)" if phase.under_way else ""
    return f"{phase.done + phase.failed}/{max(phase.wanted, phase.planned)}{running}"
