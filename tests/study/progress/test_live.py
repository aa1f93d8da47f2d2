import io
import time
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from study.config.plan import StudyPlan
from study.ledger.entries import Ended, Result
from study.ledger.journal import Journal
from study.progress import live
from study.progress.live import Progress
from study.progress.tally import Tally
from study.search.trials import search_trial

Build = Callable[..., StudyPlan]


class Shown:
    """A progress display on a console of its own, following a journal."""

    def __init__(self, plan: StudyPlan, journal: Journal, terminal: bool, height: int = 40) -> None:
        self.plan, self.journal, self.file = plan, journal, io.StringIO()
        console = Console(file=self.file, force_terminal=terminal, width=100, height=height, color_system=None)
        self.progress = Progress(plan, Tally(plan, journal.state), console)
        journal.listeners.append(self.progress.on_entry)

    @property
    def text(self) -> str:
        return self.file.getvalue()

    def trial(self, arm: int, index: int, status: str | None, scores: list[Any], message: str | None = None) -> None:
        entry = search_trial(self.plan.config, self.plan.arms[arm], index, {"generator_lr": 1e-3, "critic_steps": 1})
        self.journal.append(entry)
        outcomes = ["diverged" if score is None else "converged" for score in scores]
        if status:
            ending = {"status": status, "message": message, "outcomes": outcomes, "scores": scores}
            self.journal.append(Ended(phase=entry.phase, arm=entry.arm, index=entry.index, **ending))


def test_without_a_terminal_each_ending_is_a_plain_line(tiny: Build, journal: Journal) -> None:
    shown = Shown(tiny(search__trials_per_arm=3), journal, terminal=False)
    with shown.progress:
        shown.progress.doing("starting Ray")
        shown.progress.doing("")
        shown.trial(0, 0, "completed", [1.23456, 1.3])
        shown.trial(1, 0, "diverged", [None, None])
        shown.trial(1, 1, "failed", [None, None], "ValueError: no")
        shown.progress.tick(now=True)
    lines = shown.text.splitlines()
    assert lines[0] == "starting Ray"
    assert lines[1].startswith("search-non_saturating-0000 completed: mass_js 1.267 (1 of 6 trials, about ")
    assert lines[2].startswith("search-hinge-0000 diverged: mass_js inf, 2 of 2 diverged (2 of 6 trials")
    assert lines[3] == "search-hinge-0001 failed: ValueError: no"
    assert "\x1b" not in shown.text


def test_on_a_terminal_one_table_shows_the_arms(tiny: Build, journal: Journal) -> None:
    shown = Shown(tiny(search__trials_per_arm=3, confirm={"top": 1}), journal, terminal=True)
    with shown.progress:
        shown.trial(0, 0, "completed", [1.0, 2.0])
        shown.trial(0, 1, None, [])
        shown.trial(1, 0, "diverged", [None, None])
        shown.trial(1, 1, "failed", [None, None], "ValueError: no")
    table = shown.text.rsplit("tiny", 1)[1]
    rows = {line.split()[0]: line.split() for line in table.splitlines() if line.strip()}
    assert rows["arm"] == ["arm", "search", "confirm", "best", "mass_js", "diverged", "failed"]
    assert rows["non_saturating"] == ["non_saturating", "1/3", "(1", "running)", "0/1", "1.5", "0%", "0"]
    assert rows["hinge"][:1] == ["hinge"]
    assert "search-hinge-0001 failed: ValueError: no" in shown.text


def test_drawing_is_rare_however_often_it_ticks(tiny: Build, journal: Journal) -> None:
    shown = Shown(tiny(), journal, terminal=True)
    with shown.progress:
        shown.progress.tick()
        drawn = len(shown.text)
        for _ in range(1000):
            shown.progress.tick()
        assert len(shown.text) == drawn


def test_many_arms_fit_the_terminal(tiny: Build, journal: Journal) -> None:
    rates = [10.0**-power for power in range(1, 31)]
    shown = Shown(tiny(scientific={"critic_lr": rates}), journal, terminal=True, height=20)
    with shown.progress:
        shown.progress.tick(now=True)
    assert "and 18 more arms" in shown.text


def test_time_left_is_what_this_sessions_pace_says(
    tiny: Build, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    shown = Shown(tiny(search__trials_per_arm=5), journal, terminal=False)
    shown.progress.doing("")
    assert shown.progress.left() is None
    now[0] = 130.0
    shown.trial(0, 0, "completed", [1.0, 2.0])
    assert shown.progress.left() == pytest.approx(9 * 30)
    shown.trial(0, 1, "completed", [1.0, 2.0])
    assert shown.progress.left() == pytest.approx(8 * 15)


def test_time_left_knows_that_arms_take_unlike_times(
    tiny: Build, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(
        live, "seconds_of_arms", lambda plan: dict(zip([a.name for a in plan.arms], [10.0, 30.0], strict=True))
    )
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    shown = Shown(tiny(search__trials_per_arm=2), journal, terminal=False)
    shown.progress.doing("")
    now[0] = 20.0  # twice what was estimated
    shown.trial(0, 0, "completed", [1.0, 2.0])
    assert shown.progress.left() == pytest.approx(2 * (10 + 2 * 30))


def test_time_left_goes_by_each_trials_own_steps(
    tiny: Build, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    plan = tiny(search__trials_per_arm=2, budget__equal="samples", nuisance={"critic_steps": {"choice": [1, 5]}})
    shown = Shown(plan, journal, terminal=False)
    shown.progress.doing("")
    entry = search_trial(plan.config, plan.arms[0], 0, {"critic_steps": 5})
    keys: dict[str, Any] = {"phase": entry.phase, "arm": entry.arm, "index": entry.index, "seeds": entry.seeds}
    journal.append(entry, Result(**keys, step=2, wall_time=1.0, columns={}))
    now[0] = 30.0
    assert entry.spec["steps"] == 4
    assert shown.progress.left() == pytest.approx(3.5 * 60)
