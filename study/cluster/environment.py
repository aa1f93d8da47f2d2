"""What Ray, Tune and the C library read from the environment; imported before either by the package itself.

Ray listens on loopback alone unless the study attaches to a cluster (`RAY_ADDRESS`), and neither writes to the
terminal, which is the study's own. A variable that the user has set stays as it is.
"""

import os

RAY_ENVIRONMENT = {
    # Workers keep the memory of a step's activations instead of returning it to the system and faulting it in again at
    # the next: a fifth of a step's time at width 64 and batch 128. All three together, or it gets slower.
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_TOP_PAD_": "67108864",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DEDUP_LOGS": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # what Ray would tell of every worker that dies is in the trial's own message
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_prestart_worker_first_driver": "0",  # none of its own accord: Tune's workers are started as they are wanted
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # the study has its own; of SIGUSR1 Tune's cannot be disabled
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",  # Tune's own state is never restored from
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "3600",
}

for _name, _value in RAY_ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
if os.environ.get("RAY_ADDRESS") in ("", "local"):  # either is Ray's word for none
    del os.environ["RAY_ADDRESS"]
if "RAY_ADDRESS" not in os.environ:
    # Undocumented: what makes Ray bind 127.0.0.1 on systems where it runs on one machine only.
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
