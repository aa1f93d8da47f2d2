"""The command measure: kept generators measured again, as columns `later.*` of the study's record.

A replica's samples are those that `sample` draws of it. What diverged has no value.
"""

from __future__ import annotations

import math
import statistics
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text
from torch import Tensor

from analysis.record.schema import HISTOGRAM, MEASURED_LATER
from analysis.wording import listed
from study.command.folder import writable
from study.command.kept import KeptTrials, kept_trials
from study.command.output import DONE, print_json
from study.command.own import admitted
from study.config.messages import ConfigError
from study.config.readiness import ready
from study.execution.machine import versions
from study.execution.preparation import own_classifier
from study.ledger.state import StudyState, TrialState
from study.progress.tables import terminal
from study.record import later
from study.record.build import build_record
from study.record.later import Later
from study.storage import data_set
from trainables import own_code
from trainables.checks import meant
from trainables.data import DataSet
from trainables.kept import Kept, draw
from trainables.metrics.columns import GROUPS, DataTraits, columns
from trainables.metrics.evaluator import Evaluator
from trainables.metrics.feature_spaces import Setting

OF_TRAINING = ("jacobian",)  # groups that need what is gone


def measure(options: Namespace) -> int:
    """Measure kept generators again, and write the study's record anew."""
    there = kept_trials(options.dir, options.trust)
    writable(there.folder)
    trials = there.of(options.arm, options.trial)
    measured = _Measuring(
        there, list(dict.fromkeys(name.strip() for name in options.measure.split(","))), options.weights
    )
    found = {trial.trial_id: measured.of(trial) for trial in trials}
    build_record(there.folder)
    _tell(options, trials, found)
    return DONE


class _Measuring:
    """Measures trial after trial by the columns and groups `asked`, and keeps what it finds."""

    def __init__(self, there: KeptTrials, asked: Sequence[str], weights: str) -> None:
        self._there, self._weights, config = there, weights, there.plan.config
        ready(there.plan)
        device = "cuda" if config.resources.gpu and torch.cuda.is_available() else "cpu"
        self._data = _same_data(there)
        given = config.evaluation.get("classifier") is not None
        classifier = None if given else own_classifier(there.store, device)
        features = config.evaluation.get("features", "raw")
        self._columns = _wanted(asked, self._data, given or classifier is not None, features)
        if isinstance(features, Mapping):
            admitted(there.plan, there.folder, there.trusting)
        own = [name for name in asked if own_code.is_location(name)]
        if own:
            own_code.allow(Path.cwd(), own)
        groups = [name for name in asked if name in GROUPS] + own
        try:
            self._evaluator = Evaluator(
                self._data, config.evaluation, groups, device, classifier=classifier, kept=there.store
            )
        except (ValueError, TypeError) as error:
            raise ConfigError(f"--{error}" if str(error).startswith("measure") else str(error)) from None

    def of(self, trial: TrialState) -> dict[str, Later]:
        """The columns of one trial, which are in the study's folder when this returns."""
        kept, count = self._there.read(trial), self._evaluator.samples
        samples, labels = draw(kept, kept.seeds, count, self._labels(kept, count), self._weights)
        values = self._evaluator(samples, labels)
        how = {"time": time.time(), "versions": versions(), "weights": self._weights, "samples": count}
        found = {
            name: Later(seeds=kept.seeds, values=_known(values[name], kept), **how)  # type: ignore[arg-type]
            for name in self._columns
            if name in values
        }
        later.add(self._there.folder, self._there.store, trial.trial_id, found)
        return found

    def _labels(self, kept: Kept, count: int) -> Tensor | None:
        """Labels (count,) distributed as the training data's, the same at every call."""
        if not kept.classes or self._data.labels is None:
            return None
        stream = torch.Generator().manual_seed(0)
        return self._data.labels[torch.randint(len(self._data.labels), (count,), generator=stream)]


def _same_data(there: KeptTrials) -> DataSet:
    """The data that the study's trials were trained on; `ConfigError` where its files have others now."""
    found = data_set.read(there.plan.config, there.store)
    found.changed(StudyState.replay(there.folder, results=False).data)
    assert found.data is not None
    return found.data


def _wanted(asked: Sequence[str], data: DataSet, classifier: bool, features: Setting) -> list[str]:
    """The columns that were asked for, by their own names or their groups'; `ConfigError` for any other."""

    def of(*groups: str) -> list[str]:
        found = columns(DataTraits.of(data, classifier, groups, features))
        return [name for name in found if name != HISTOGRAM.name]

    always, wanted = of(), list[str]()
    for name in asked:
        if (name not in (*GROUPS, *always) and not own_code.is_location(name)) or name in OF_TRAINING:
            valid = [*(group for group in GROUPS if group not in OF_TRAINING), "module:function", *always]
            why = ", which only training can measure" if name in OF_TRAINING else ""
            raise ConfigError(
                f"--measure: expected some of {', '.join(valid)}, got {name!r}{why or meant(name, valid)}"
            )
        new = [name] if name in always else [column for column in of(name) if column not in always]
        if not new:
            raise ConfigError(f"--measure: {name} measures nothing of {data.name}")
        wanted += [column for column in new if column not in wanted]
    return wanted


def _known(values: Tensor, kept: Kept) -> list[float | None]:
    """Values (R,) of replicas; None where they are not finite, or the replica diverged."""
    each = zip(values.tolist(), kept.diverged, strict=True)
    return [value if fell is None and math.isfinite(value) else None for value, fell in each]


def _tell(options: Namespace, trials: Sequence[TrialState], found: Mapping[str, Mapping[str, Later]]) -> None:
    if options.json:
        print_json({name: {column: asdict(one) for column, one in new.items()} for name, new in found.items()})
        return
    names = later.names(found.values())
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="measured later: medians over replicas", title_justify="left")
    for title in ("trial", *names):
        table.add_column(title, justify="left" if title == "trial" else "right")
    for trial in trials:
        table.add_row(Text(trial.trial_id), *(_median(found[trial.trial_id].get(name)) for name in names))
    terminal().print(table)
    terminal().print(
        f"in trials.parquet as {listed([f'{MEASURED_LATER}{name}' for name in names])}, which no report shows; trials"
        " that end from now on have none until they are measured, too"
    )


def _median(column: Later | None) -> str:
    values = [value for value in column.values if value is not None] if column else []
    return f"{statistics.median(values):.4g}" if values else "-"
