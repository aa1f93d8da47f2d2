"""A study's runs in MLflow: one experiment, a parent run for the study, under it a run for each trial.

Importing this module imports MLflow, which takes a second, so the tracker does it in its own thread. Every call can be
made again: runs carry a tag that says whose they are and are looked for where one might exist already, rows carry the
ledger's own times (MLflow's SQL store keeps one of two equal metric update), and pictures are named by run and step.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from analysis.pictures.compose import thumbnail
from analysis.pictures.render import gallery, picture
from analysis.record.schema import FILES
from study.config import loading
from study.config.addresses import masked
from study.config.loading import STUDY_FILE
from study.ledger.entries import Entry, Planned, Result, TrialEntry, named
from study.ledger.ledger import Position, entries, identity
from study.ledger.state import StudyState
from study.storage import generators
from study.storage.store import Store, store_at
from study.tracking import local
from study.tracking.batch import ENDINGS, LARGEST, Attempts, RunUpdate, gather
from study.tracking.cursor import Cursor, OpenRun
from study.tracking.environment import prepare, source
from study.tracking.summaries import captions, milliseconds

prepare()

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException, RestException  # noqa: E402

from study.tracking.kept_models import KeptModels  # noqa: E402

LOGGER = logging.getLogger(__name__)
STUDY, IDENTITY, PARENT = "ganstudy.study", "ganstudy.run", "mlflow.parentRunId"  # tags
SAMPLES = "samples"  # key of the stepped images
DIGEST = 36  # characters of a data set's digest that MLflow takes
FINAL = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")  # what MLflow will not take later either


class MlflowStudy:
    """The runs of the study in `folder` on an MLflow store; `uri` None is the folder's own database.

    Methods take a cursor and return the one to go on from. They raise whatever MLflow raises; what was asked for may
    then be done or not, and the next attempt needs a new `MlflowStudy`.
    """

    def __init__(self, folder: Path, name: str, uri: str | None, store: Callable[[], Store] | None = None) -> None:
        """Open MLflow; the study's ledger must hold an entry. `store` gives the store of its trials' files, by default
        the folder."""
        self._store = store or (lambda: store_at(str(folder.resolve())))
        self._folder, self._name, self._local = folder, name, uri is None
        self._client = MlflowClient(uri or local.database_uri(folder))
        self._study = identity(folder)
        self._attempts = Attempts()
        self._experiment = self._parent = ""
        self._new = False  # whether nothing was logged to the parent yet
        self._unsure = LARGEST  # entries to come of which an attempt that failed may have created runs already
        self._doubtful = True  # whether a request may have created a run whose id was never received

    def connect(self, cursor: Cursor) -> Cursor:
        """Find or create the experiment and the parent run; where the store no longer has them, start over."""
        self._experiment = self._find_experiment()
        if cursor.parent and self._exists(cursor.parent):
            self._parent = cursor.parent
        else:
            found = self._find(self._study)
            self._parent = found or self._create_parent()
            self._new, self._doubtful = found is None, found is not None
            self._unsure = 0 if self._new else LARGEST
            cursor = Cursor(cursor.server, owed=cursor.owed, searching=found is not None)
        for position, entry in entries(self._folder, kinds=Attempts.KINDS):
            if position > cursor.position:
                break
            if isinstance(entry, TrialEntry):
                self._attempts.apply(entry)
        return replace(cursor, parent=self._parent)

    def log(self, cursor: Cursor, batch: Sequence[tuple[Position, Entry]]) -> Cursor:
        """Log the next entries, `LARGEST` at most. What MLflow refuses for good is counted and skipped."""
        runs = dict(cursor.runs)
        refused = cursor.refused
        for update in gather((entry for _, entry in batch), self._attempts, runs):
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

    def end(self, cursor: Cursor) -> None:
        """Give the parent run the record, the report and the ending it is owed."""
        for name in FILES:
            if (self._folder / name).is_file():
                self._client.log_artifact(self._parent, str(self._folder / name))
        if (self._folder / STUDY_FILE).is_file():
            self._client.log_text(self._parent, masked((self._folder / STUDY_FILE).read_text("utf-8")), STUDY_FILE)
        if (self._folder / "report").is_dir():
            self._client.log_artifacts(self._parent, str(self._folder / "report"), "report")
        if self._doubtful:
            self._remove_duplicate_runs(cursor)
        self._log_models(registering=cursor.owed == "FINISHED")
        self._client.set_terminated(self._parent, cursor.owed, milliseconds(cursor.time))

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
        models = KeptModels(self._client, self._experiment, self._study, store, self._run_of)
        state = StudyState.replay(self._folder, results=False)
        logged = models.log(state, there)
        if logged and registering:
            models.register(loading.load(self._folder / STUDY_FILE), state, logged)

    def _run_of(self, trial_id: str) -> str | None:
        """The run of a trial's newest attempt."""
        name, attempt = f"{self._study}/{trial_id}", self._attempts.newest(trial_id)
        return self._find(name if attempt == 1 else f"{name}#{attempt}")

    def _send(self, update: RunUpdate, runs: dict[str, OpenRun]) -> None:
        """Log what a batch says about one run, and keep the open runs up to date."""
        if update.trial_id is None:
            self._send_study(update)
            return
        known = runs.get(update.trial_id)
        if update.ended:
            runs.pop(update.trial_id, None)
        run_id = known.run_id if known and known.attempt == update.attempt else self._trial_run(update)
        self._log(run_id, update)
        for entry, picture_path in update.pictures:
            self._log_picture(run_id, entry, picture_path)
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
        self._log(self._parent, update)
        if update.data:
            self._client.log_inputs(self._parent, [data_input(update.data)])

    def _log(self, run_id: str, update: RunUpdate) -> None:
        metrics = [Metric(*metric) for metric in update.metrics]
        params = [Param(name, value) for name, value in update.params.items()]
        self._client.log_batch(run_id, metrics, params, [RunTag(*tag) for tag in update.tags.items()])

    def _log_picture(self, run_id: str, entry: Result, name: str) -> None:
        """Log a picture where MLflow's page looks for the images of a step (as `MlflowClient.log_image` names them)."""
        title = f"{entry.trial_id} · step {entry.step:,}"
        try:
            path = (self._folder / name).resolve()
            if not (path.is_relative_to(self._folder.resolve()) and path.is_file()):
                raise ValueError(f"{path} is no file in the study folder")
            words = captions(entry.seeds, entry.columns)
            image, further = picture(path, title, words), gallery(path, title, words)
        except Exception as error:  # whatever it is, no row may wait for a picture
            LOGGER.info("no picture of %s: %r", title, error)
            return
        unique = uuid.uuid5(uuid.NAMESPACE_OID, f"{run_id}/{entry.step}")
        stem = f"{SAMPLES}+step+{entry.step}+timestamp+{milliseconds(entry.time)}+{unique}"
        with TemporaryDirectory() as folder:
            image.save(Path(folder, f"{stem}.png"), compress_level=3)
            thumbnail(image).save(Path(folder, f"{stem}+compressed.webp"), method=2)
            self._client.log_artifacts(run_id, folder, "images")
        self._log_gallery(run_id, further, entry.step)

    def _log_gallery(self, run_id: str, images: Mapping[str, Image.Image], step: int) -> None:
        """Log further pictures as plain artifacts, under names that a replay writes again."""
        if not images:
            return
        with TemporaryDirectory() as folder:
            for name, image in images.items():
                image.save(Path(folder, f"{name}_step_{step}.png"), compress_level=3)
            self._client.log_artifacts(run_id, folder, "gallery")

    def _trial_run(self, update: RunUpdate) -> str:
        """The run of a trial that the cursor does not know: one that is there already, or a new one."""
        entry = update.first
        assert isinstance(entry, TrialEntry)  # the study's own update needs no run of a trial
        name = f"{self._study}/{entry.trial_id}"
        identity = name if update.attempt == 1 else f"{name}#{update.attempt}"
        if update.attempt > 1:
            former = self._find(name if update.attempt == 2 else f"{name}#{update.attempt - 1}")
            if former is not None:
                self._client.delete_run(former)
        if self._unsure or not isinstance(entry, Planned):
            found = self._find(identity)
            if found is not None:
                return found
        about = {name: str(value) for name, value in named(entry.key).items()}
        return self._create(identity, entry.trial_id, entry.time, {PARENT: self._parent, **about})

    def _create_parent(self) -> str:
        _, first = next(entries(self._folder))
        return self._create(self._study, self._name, first.time, {})

    def _create(self, identity: str, name: str, time: float, tags: dict[str, str]) -> str:
        tags = {STUDY: self._study, IDENTITY: identity, **source(), **tags}
        run = self._client.create_run(self._experiment, milliseconds(time), tags, name)
        return str(run.info.run_id)

    def _find_experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._name)
        if self._local:
            local.remove_stray(self._folder)
        if found is None:
            where = local.artifact_uri(self._folder) if self._local else None
            return str(self._client.create_experiment(self._name, where))
        if found.lifecycle_stage != "active":
            raise RuntimeError(
                f"experiment '{self._name}' was deleted in MLflow; restore it there, or remove it for good"
            )
        if self._local:
            local.settle(self._folder)
        return str(found.experiment_id)

    def _find(self, identity: str) -> str | None:
        """The run with an identity; of several, the one that something was logged to."""
        runs = list(self._search(f"tags.`{IDENTITY}` = '{identity}'"))
        runs.sort(key=lambda run: (not run.data.params, not run.data.metrics, run.info.run_id))
        return str(runs[0].info.run_id) if runs else None

    def _search(self, condition: str) -> Iterator[Run]:
        token = None
        while True:
            page = self._client.search_runs([self._experiment], condition, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _exists(self, run_id: str) -> bool:
        """Whether the store has a run, deleted or not; by search, as MLflow denies plain users a missing run."""
        return bool(self._client.search_runs([self._experiment], f"attributes.run_id = '{run_id}'", ViewType.ALL, 1))

    def _is_permanent(self, error: MlflowException, run_id: str | None) -> bool:
        """Whether MLflow itself, and not a proxy before it, says that a retry cannot succeed."""
        final = error.error_code in FINAL and (self._local or isinstance(error, RestException))
        gone = error.error_code == "PERMISSION_DENIED" and run_id is not None and not self._exists(run_id)
        return (final or gone) and self._exists(self._parent)

    def _remove_duplicate_runs(self, cursor: Cursor) -> None:
        """Remove runs that a server created although its answer never came, and that were then created again."""
        known = {self._parent, *(run.run_id for run in cursor.runs.values())}
        for run in self._search(f"tags.`{STUDY}` = '{self._study}' and attributes.status = 'RUNNING'"):
            if run.info.run_id not in known and not run.data.params and not run.data.metrics:
                self._client.delete_run(run.info.run_id)


def data_input(data: Mapping[str, Any]) -> DatasetInput:
    """The study's data set as an input of its run: name, digest, size, and the path it was read from, if it was."""
    path = str(data["origin"])
    kind, source = ("local", {"uri": path}) if Path(path).is_absolute() else ("code", {"tags": {"origin": path}})
    size = {name: data[name] for name in ("train", "heldout", "shape", "classes") if name in data}
    dataset = Dataset(
        str(data["name"]), str(data["digest"])[:DIGEST], kind, json.dumps(source), profile=json.dumps(size)
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])
