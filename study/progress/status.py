"""What is known of a study from its folder alone, whether or not it is running now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from study.config import loading
from study.ledger.ledger import damaged
from study.ledger.lock import Holder, holder
from study.ledger.state import StudyState
from study.progress.tally import PhaseTally, Tally
from study.tracking import trouble, waiting


def status(folder: str | Path) -> dict[str, Any]:
    """Plain data about the study in `folder`.

    `state` is running (with its `holder`: host, pid, since), interrupted or done; `trials` counts done, failed,
    running, interrupted and missing ones over everything; `arms` gives for each arm the same by phase, `best` with
    `best_trial` (None: nothing finite), and `outcomes` of its replicas; `failures` maps trials to messages;
    `tracking` says how many ledger entries MLflow still lacks and why; `damaged` counts unreadable ledger lines;
    `sessions` how often the study was started.

    Raises `FileNotFoundError` where there is no study.
    """
    folder = Path(folder)
    plan = loading.load(folder / "study.yaml")
    state, held = StudyState.replay(folder), holder(folder)
    tally = Tally(plan, state)
    counts = [_counts(phase, held) for phase in tally.phases]
    totals = {name: sum(count[name] for count in counts) for name in _counts(PhaseTally(), held)}
    left = totals["running"] + totals["interrupted"] + totals["missing"]
    return {
        "study": plan.config.study,
        "folder": str(folder),
        "state": "running" if held else "interrupted" if left else "done",
        "holder": held._asdict() if held else None,
        "metric": plan.goal.metrics[0],
        "trials": totals,
        "arms": [
            {
                "arm": one.arm,
                "search": _counts(one.search, held),
                "confirm": _counts(one.confirm, held),
                "best": one.best,
                "best_trial": one.best_trial,
                "outcomes": dict(one.outcomes),
            }
            for one in tally.arms.values()
        ],
        "failures": {t.trial_id: t.message for t in state.trials.values() if t.status == "failed"},
        "tracking": {"waiting": waiting(folder), "trouble": trouble(folder)},
        "damaged": damaged(folder),
        "sessions": len(state.sessions),
    }


def _counts(phase: PhaseTally, held: Holder | None) -> dict[str, int]:
    return {
        "done": phase.done,
        "failed": phase.failed,
        "running": phase.under_way if held else 0,
        "interrupted": 0 if held else phase.under_way,
        "missing": phase.missing,
        "total": phase.planned + phase.missing,
    }
