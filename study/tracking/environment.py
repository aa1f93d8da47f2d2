"""MLflow's own settings, made before it is first imported.

Requests fail fast and are never repeated by MLflow itself, because the tracker repeats them and knows which of them
would create a run twice. Telemetry is off, and nothing is printed into the study's terminal.
"""

import getpass
import logging
import os
import subprocess
from contextlib import suppress
from functools import cache

MLFLOW_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
DEFAULTS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "15", "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "60"}  # seconds
SERVER = {**MLFLOW_ENVIRONMENT, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def prepare() -> None:
    """Set the environment of this process; only the timeouts may be chosen from outside."""
    os.environ.update(MLFLOW_ENVIRONMENT)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    for name in ("mlflow", "alembic", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@cache
def source() -> dict[str, str]:
    """MLflow's own tags about who began a run, with what: the user, and the commit of the working directory, if any."""
    tags = {"mlflow.source.name": "ganstudy", "mlflow.source.type": "LOCAL"}
    with suppress(OSError, KeyError):  # no name for this user
        tags["mlflow.user"] = getpass.getuser()
    with suppress(OSError, subprocess.SubprocessError):
        asked = ["git", "rev-parse", "--verify", "HEAD"]
        found = subprocess.run(asked, capture_output=True, text=True, timeout=5, check=True)
        tags["mlflow.source.git.commit"] = found.stdout.strip()
    return tags
