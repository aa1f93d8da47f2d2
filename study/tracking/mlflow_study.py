"""A study's runs in MLflow: one experiment, a run for the study, under it one for each arm, under these the trials'.

Importing this module imports MLflow, which takes a second, so the tracker does it in its own thread. Every call can be
made again: runs carry a tag that says whose they are and are looked for where one might exist already, rows carry the
ledger's own times (MLflow's SQL store keeps one of two equal metric rows), and pictures are named by run and step.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from study.config import loading
from study.config.loading import STUDY_FILE
from study.ledger.entries import Entry, Planned, Session, TrialEntry, named
from study.ledger.ledger import Position, entries, identity
from study.ledger.state import StudyState
from study.storage import generators
from study.storage.store import Store, store_at
from study.tracking import artifacts, experiments, local, notes
from study.tracking.arms import Summary, of_study, state_at, summaries_of
from study.tracking.batch import ENDINGS, LARGEST, Attempts, RunUpdate, gather
from study.tracking.cursor import Cursor, OpenRun
from study.tracking.environment import prepare
from study.tracking.summaries import milliseconds
from study.tracking.tags import LEVEL, NOTE, PARENT
from study.tracking.views import views_of

prepare()

from mlflow import MlflowClient  # noqa: E402
from mlflow.exceptions import MlflowException, RestException  # noqa: E402

from study.tracking.arm_runs import ArmRuns  # noqa: E402
from study.tracking.images import log_pictures  # noqa: E402
from study.tracking.kept_models import KeptModels  # noqa: E402
from study.tracking.newest_session import NewestSession  # noqa: E402
from study.tracking.runs import Runs, data_input  # noqa: E402

LOGGER = logging.getLogger(__name__)
FINAL = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")  # what MLflow will not take later either
SUMMED_EVERY, SUMMING_SHARE = 30.0, 0.02  # seconds between summaries while a study goes on; of the thread's time


class MlflowStudy:
    """The runs of the study in `folder` on an MLflow store; `uri` None is the folder's own database.

    Methods take a cursor and return the one to go on from. They raise whatever MLflow raises; what was asked for may
    then be done or not, and the next attempt needs a new `MlflowStudy`.
    """

    def __init__(self, folder: Path, name: str, uri: str | None, store: Callable[[], Store] | None = None) -> None:
        """Open MLflow; the study's ledger must hold an entry. `store` gives the store of its trials' files, by default
        the folder. sqlite3.Error where the folder's database is none."""
        self._store = store or (lambda: store_at(str(folder.resolve())))
        self._folder, self._name, self._local = folder, name, uri is None
        if self._local:
            local.refuse_strange(folder)
            local.create(folder)
        self._client = MlflowClient(uri or local.database_uri(folder))
        self._runs = Runs(self._client, "", identity(folder))
        self._attempts = Attempts()
        self._parent = ""
        self._arms = ArmRuns(self._runs, "", self._is_permanent)
        self._newest = NewestSession()
        self._measured: set[str] = set()  # names of trials' metrics
        self._shown: dict[str, str] = {}  # tags of the experiment
        self._due = time.monotonic() + SUMMED_EVERY
        self._new = False  # whether nothing was logged to the parent yet
        self._unsure = LARGEST  # entries to come of which an attempt that failed may have created runs already
        self._doubtful = True  # whether a request may have created a run whose id was never received

    def connect(self, cursor: Cursor) -> Cursor:
        """Find or create the experiment and the parent run; where the store no longer has them, start over."""
        experiment = experiments.found(self._client, self._name, self._folder if self._local else None)
        self._runs = Runs(self._client, experiment, self._runs.study)
        if cursor.parent and self._runs.exists(cursor.parent):
            self._parent = cursor.parent
        else:
            found = self._runs.find()
            self._parent = found or self._create_parent()
            self._new, self._doubtful = found is None, found is not None
            self._unsure = 0 if self._new else LARGEST
            cursor = Cursor(cursor.server, owed=cursor.owed, searching=found is not None)
        self._arms = ArmRuns(self._runs, self._parent, self._is_permanent)
        if not self._new:
            self._arms.find()
        for position, entry in entries(self._folder, kinds=(*Attempts.KINDS, Session.kind)):
            if position > cursor.position:
                break
            if isinstance(entry, TrialEntry):
                self._attempts.apply(entry)
            elif isinstance(entry, Session):
                self._newest.take(entry)
        return replace(cursor, parent=self._parent)

    def log(self, cursor: Cursor, batch: Sequence[tuple[Position, Entry]]) -> Cursor:
        """Log the next entries, `LARGEST` at most. What MLflow refuses for good is counted and skipped."""
        runs = dict(cursor.runs)
        refused = cursor.refused
        for _, entry in batch:
            if isinstance(entry, Session):
                self._newest.take(entry)
        for update in gather((entry for _, entry in batch), self._attempts, runs, self._newest.higher):
            try:
                self._send(update, runs)
            except MlflowException as error:
                known = cursor.runs.get(update.trial_id or "")
                if not self._is_permanent(error, known.run_id if known else None):
                    raise
                LOGGER.info("MLflow refused rows of %s: %s", update.trial_id or self._name, error)
                refused += update.entries
        self._new = False
        self._unsure = LARGEST if cursor.searching else max(0, self._unsure - len(batch))
        position, last = batch[-1]
        return replace(cursor, position=position, time=last.time, runs=runs, refused=refused, trouble=None)

    def summarize(self, cursor: Cursor) -> None:
        """Say of every arm, and of the study, what follows from the ledger up to the cursor; not at every call, so that
        it takes a small share of the time."""
        started = time.monotonic()
        if started >= self._due:
            self._summarize(cursor)
            now = time.monotonic()
            self._due = now + max(SUMMED_EVERY, (now - started) / SUMMING_SHARE)

    def end(self, cursor: Cursor) -> None:
        """Give the parent run the record, the report and the ending it is owed."""
        there, settings = artifacts.of_study(self._folder)
        for path in there:
            if path.is_dir():
                self._client.log_artifacts(self._parent, str(path), path.name)
            else:
                self._client.log_artifact(self._parent, str(path))
        if settings is not None:
            self._client.log_text(self._parent, settings, STUDY_FILE)
        summaries = self._summarize(cursor)
        if self._doubtful:
            known = {self._parent, *self._arms.ids.values(), *(run.run_id for run in cursor.runs.values())}
            self._runs.remove_doubles(known)
        self._log_models(registering=cursor.owed == "FINISHED")
        newest = {one.arm: one.time for one in summaries}
        for arm in self._arms.ids:  # also of a plan that this version cannot read
            self._arms.end(arm, str(cursor.owed), newest.get(arm, cursor.time))
        self._client.set_terminated(self._parent, cursor.owed, milliseconds(cursor.time))

    def _summarize(self, cursor: Cursor) -> list[Summary]:
        """Bring the runs of the arms and the study, and the experiment's views, up to date; the arms, best first."""
        plan = self._newest.plan
        if plan is None:
            return []
        state, endings = state_at(self._folder, cursor.position)
        found = summaries_of(plan, state, endings)
        first = {trial.arm: trial.planned for trial in reversed(state.trials.values())}
        for one in found:
            self._arm_run(one.arm, first[one.arm])
            self._arms.say(one, notes.of_arm(one, self._runs.experiment))
        note = notes.of_study(self._folder.resolve(), found, self._arms.ids, self._runs.experiment, self._parent)
        said = of_study(plan, found) if found else None
        tags = {**(said.tags if said else {}), LEVEL: "study", NOTE: note}
        self._runs.log(self._parent, said.rows if said else (), {}, tags)
        begun = milliseconds(next(entries(self._folder))[1].time)
        shown = experiments.tags(plan.goal.metrics[0]) | views_of(plan, found, self._measured, begun)
        experiments.show(self._client, self._runs.experiment, shown, self._shown)
        return found

    def _log_models(self, registering: bool) -> None:
        """Log the kept generators, and register the winners of a study that is done.

        Without access to them, as on another machine than the study ran on, MLflow gets none.
        """
        try:
            store = self._store()
            there = generators.listed(store)
        except (OSError, ValueError) as error:
            LOGGER.info("MLflow gets no kept generators: %s", error)
            return
        models = KeptModels(self._client, self._runs.experiment, self._runs.study, store, self._run_of)
        state = StudyState.replay(self._folder, results=False)
        logged = models.log(state, there)
        if logged and registering:
            models.register(loading.load(self._folder / STUDY_FILE), state, logged)
            if self._local:
                local.remove_stray(self._folder)  # the registry opened the database once more

    def _run_of(self, trial_id: str) -> str | None:
        """The run of a trial's newest attempt."""
        return self._runs.find(_named(trial_id, self._attempts.newest(trial_id)))

    def _send(self, update: RunUpdate, runs: dict[str, OpenRun]) -> None:
        """Log what a batch says about one run, and keep the open runs up to date."""
        if update.trial_id is None:
            self._send_study(update)
            return
        known = runs.get(update.trial_id)
        if update.ended:
            runs.pop(update.trial_id, None)
        self._measured |= {name for name, *_ in update.metrics}
        if known and known.attempt == update.attempt:
            run_id = known.run_id
            self._log(run_id, update)
        else:
            run_id = self._trial_run(update)
            self._log(run_id, update)
            if data := self._newest.data:
                self._client.log_inputs(run_id, [data])
        log_pictures(self._client, run_id, self._folder, update.pictures)
        if update.ended:
            status = ENDINGS.get(update.ended.status, "FINISHED")
            self._client.set_terminated(run_id, status, milliseconds(update.ended.time))
        else:
            runs[update.trial_id] = OpenRun(run_id, update.attempt, update.step)

    def _send_study(self, update: RunUpdate) -> None:
        logged = {} if self._new else self._client.get_run(self._parent).data.params
        changed = {name for name, value in update.params.items() if logged.get(name, value) != value}
        update.tags = {f"changed.{name}": update.params[name] for name in changed} | update.tags
        update.params = {name: value for name, value in update.params.items() if name not in logged}
        if update.sessions and not self._new:
            self._client.update_run(self._parent, "RUNNING")
            self._arms.reopen()
        self._log(self._parent, update)
        if update.data:
            self._client.log_inputs(self._parent, [data_input(update.data)])

    def _log(self, run_id: str, update: RunUpdate) -> None:
        """Log what a batch says about one run, the searched metric last, for the same reason as in `Summary.rows`."""
        plan = self._newest.plan
        goal = plan.goal.metrics[0] if plan else ""
        rows = sorted(update.metrics, key=lambda row: row[0] == goal)
        self._runs.log(run_id, rows, update.params, update.tags)

    def _arm_run(self, arm: str, time: float) -> str:
        newest = self._newest
        return self._arms.of(arm, time, newest.params(arm), newest.colour(arm), newest.data)

    def _trial_run(self, update: RunUpdate) -> str:
        """The run of a trial that the cursor does not know: one that is there already, or a new one."""
        entry = update.first
        assert isinstance(entry, TrialEntry)  # the study's own update needs no run of a trial
        place = {LEVEL: "trial", PARENT: self._arm_run(entry.arm, entry.time), **self._newest.colour(entry.arm)}
        update.tags |= place  # also of a run that a former version made
        if update.attempt > 1:
            former = self._runs.find(_named(entry.trial_id, update.attempt - 1))
            if former is not None:
                self._client.delete_run(former)
        name = _named(entry.trial_id, update.attempt)
        if self._unsure or not isinstance(entry, Planned):
            found = self._runs.find(name)
            if found is not None:
                return found
        about = {name: str(value) for name, value in named(entry.key).items()}
        return self._runs.create(name, entry.trial_id, entry.time, place | about)

    def _create_parent(self) -> str:
        _, first = next(entries(self._folder))
        return self._runs.create("", self._name, first.time, {LEVEL: "study"})

    def _is_permanent(self, error: Exception, run_id: str | None) -> bool:
        """Whether MLflow itself, and not a proxy before it, says that a retry cannot succeed."""
        if not isinstance(error, MlflowException):
            return False
        final = error.error_code in FINAL and (self._local or isinstance(error, RestException))
        gone = error.error_code == "PERMISSION_DENIED" and run_id is not None and not self._runs.exists(run_id)
        return (final or gone) and self._runs.exists(self._parent)


def _named(trial_id: str, attempt: int) -> str:
    """What an attempt at a trial is called within its study."""
    return trial_id if attempt == 1 else f"{trial_id}#{attempt}"
