"""What is run on a cluster's head: `ganstudy`, on that cluster, from the project's folder there, ~/ganstudy.

    ray submit configs/cluster/aws.yaml configs/cluster/submit.py -- run configs/ring.yaml --set resources.gpu=0.25

A `run` is tracked where MLFLOW_TRACKING_URI of the head's environment says, unless an argument says otherwise. Ray
joins the arguments with blanks and gives them to a shell: what holds blanks, brackets or a `$` is quoted twice.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("RAY_ADDRESS", "auto")  # before anything imports Ray: without it a second Ray would start
os.chdir(Path.home() / "ganstudy")

from study.__main__ import main  # noqa: E402

if __name__ == "__main__":
    command, *rest = sys.argv[1:] or ["--help"]
    server = os.environ.get("MLFLOW_TRACKING_URI")
    tracked = ["--set", f"tracking.uri={server}"] if command == "run" and server else []
    sys.exit(main([command, *tracked, *rest]))
