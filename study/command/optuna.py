"""The command optuna: a study's searches as a file that optuna-dashboard and Optuna's plots read."""

from __future__ import annotations

import os
import shlex
import sqlite3
import tempfile
from argparse import Namespace
from contextlib import closing
from pathlib import Path

from study.atomic_write import SUFFIX
from study.command.folder import study_folder
from study.command.output import DONE, note_damage, print_json
from study.config import loading
from study.config.addresses import of_sqlite
from study.config.messages import ConfigError

NAME = "optuna.db"


def optuna(options: Namespace) -> int:
    """Write the file anew from the ledger, and print where it is and what is in it."""
    from study.search.optuna_studies import read, write

    folder = study_folder(options.dir)
    out = options.out or folder / NAME
    _refuse(out)
    plan = loading.load(folder / loading.STUDY_FILE)
    try:
        state, found = read(plan, folder)
    except FileNotFoundError:
        raise ConfigError(f"{folder}: expected a study that has begun, got one without a ledger") from None
    try:
        with tempfile.TemporaryDirectory(suffix=SUFFIX, dir=out.parent) as beside:
            written = Path(beside) / NAME
            counts = write(plan, state, found, written.resolve())
            os.replace(written, out)
    except OSError as error:
        raise ConfigError(f"--out: expected a file that can be written, got {out} ({error.strerror})") from None
    note_damage(state.damage)
    if options.json:
        print_json({"file": str(out), "studies": counts})
    else:
        print(f"{out}: {sum(counts.values())} trials of {len(counts)} searches; see them by")
        print(f"optuna-dashboard {shlex.quote(of_sqlite(out))}")
    return DONE


def _refuse(out: Path) -> None:
    """Raise `ConfigError` where there is anything but a file that this command wrote."""
    if not os.path.lexists(out):
        return
    if not out.is_file():  # SQLite would wait for a pipe's writer
        raise ConfigError(f"--out: expected a new file, or one that this command wrote, got {out}")
    try:
        with closing(sqlite3.connect(f"{out.resolve().as_uri()}?mode=ro", uri=True)) as there:
            ours = there.execute("SELECT count(*) FROM study_user_attributes WHERE key = 'ganstudy'").fetchone()[0]
            every = there.execute("SELECT count(*) FROM studies").fetchone()[0]
    except sqlite3.Error:
        ours, every = 0, 1
    if ours != every:
        raise ConfigError(f"--out: expected a new file, or one that this command wrote, got {out}")
