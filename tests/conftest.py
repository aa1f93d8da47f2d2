"""The environment of the tests and of all that they start, on processors that are all in use."""

import os
import tempfile
from pathlib import Path

os.environ["XDG_STATE_HOME"] = str(Path(tempfile.gettempdir(), f"ganstudy-tests-{os.getuid()}"))  # not the user's own
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy or torch is imported
os.environ.setdefault("RAY_worker_niceness", "0")  # tests wait for Ray's workers, which else yield to everything

from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no counterexample
settings.load_profile("untimed")
