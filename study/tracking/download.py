"""The record of a study as its run in MLflow holds it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from analysis.record.schema import FILES
from study.config.addresses import masked
from study.config.messages import ConfigError
from study.tracking.environment import prepare
from study.tracking.tags import LEVEL, LEVEL_OF_ARMS, PARENT

RUN = "runs:/"
TRACKING = "MLFLOW_TRACKING_URI"
UNKNOWN = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")  # MLflow's words for a run that is not there
LONGEST = 300  # characters of what MLflow says
_SECRET = re.compile(r"://.*@")


def download(source: str, place: Path, tracking: str | None = None) -> None:
    """Bring the record of a study's run, given as `runs:/RUN_ID`, into the folder `place`.

    Args:
        source: the run.
        place: an existing folder.
        tracking: MLflow's address; None: what MLFLOW_TRACKING_URI says.

    Raises:
        ConfigError: no address, no such run, or a run without a record.
        ConnectionError: MLflow does not answer.
    """
    uri = tracking or os.environ.get(TRACKING)
    if not uri:
        raise ConfigError(f"{source}: expected --tracking URI or {TRACKING}, to know where MLflow is, got neither")
    if uri.startswith("sqlite:///"):  # MLflow would make an empty one
        path = Path(unquote(uri.removeprefix("sqlite:///").partition("?")[0]))
        if not path.is_file():
            raise ConfigError(f"{source}: expected MLflow's database at {path}, got nothing there")
    run_id = source.removeprefix(RUN)
    with _answering(source, uri):
        prepare()
        from mlflow import MlflowClient

        client = MlflowClient(uri)
        run = client.get_run(run_id)
        above = _above(client, run)
        names = {artifact.path for artifact in client.list_artifacts(run_id)}
    _check_run(source, run, above, names)
    with _answering(source, uri):
        for name in FILES:
            client.download_artifacts(run_id, name, str(place))


def _above(client: Any, run: Any) -> str | None:
    """The study's run above that of an arm or a trial; None for a run with nothing above it."""
    above = None
    while parent := run.data.tags.get(PARENT):
        above, run = parent, client.get_run(parent)
    return above


def _check_run(source: str, run: Any, above: str | None, artifacts: set[str]) -> None:
    if above:
        what = "an arm" if run.data.tags.get(LEVEL) == LEVEL_OF_ARMS else "a trial"
        raise ConfigError(f"{source}: expected the run of a study, got that of {what}; its study's is {RUN}{above}")
    lacking = " and ".join(name for name in FILES if name not in artifacts)
    if lacking:
        running = " as the study still runs; it is logged at its end" if run.info.status == "RUNNING" else ""
        raise ConfigError(f"{source}: expected a run with a study's record, got one without {lacking}{running}")


@contextmanager
def _answering(source: str, uri: str) -> Iterator[None]:
    """Whatever MLflow's clients and stores raise as one line without secrets: bad input where a run is not known."""
    try:
        yield
    except Exception as error:
        address = masked(_SECRET.sub("://***@", uri))
        lines = masked(str(error).replace(uri, address)).strip().splitlines() or [type(error).__name__]
        said = lines[0] if len(lines[0]) <= LONGEST else f"{lines[0][:LONGEST]} …"
        if getattr(error, "error_code", None) in UNKNOWN:
            raise ConfigError(f"{source}: expected a run that MLflow at {address} knows, got: {said}") from None
        raise ConnectionError(f"{source}: MLflow at {address} could not be read: {said}") from None
