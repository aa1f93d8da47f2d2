"""The command animate: a trial's samples over its training, as a GIF and a strip, from what it saved for pictures."""

from __future__ import annotations

from argparse import Namespace

from analysis.pictures.animation import frames, gif, strip
from analysis.record.snapshots import picture_files
from study.atomic_write import atomic_write
from study.command.folder import refuse_unreadable_pictures, study_folder
from study.command.output import DONE, print_json
from study.command.trials import Trials
from study.config import loading
from study.config.messages import ConfigError
from study.ledger.state import StudyState

LONGEST = 60.0  # seconds of a frame


def animate(options: Namespace) -> int:
    """Write TRIAL_ID.gif and TRIAL_ID.png, or TRIAL_ID-seed-S.gif and .png of one replica."""
    if not 0.02 <= options.seconds <= LONGEST:
        raise ConfigError(f"--seconds: expected a number from 0.02 to {LONGEST:g}, got {options.seconds:g}")
    folder = study_folder(options.dir)
    plan, state = loading.load(folder / loading.STUDY_FILE), StudyState.replay(folder, results=False)
    pictures = {one.trial_id: folder / "trials" / one.trial_id / "pictures" for one in state.trials.values()}
    found = {one.trial_id: one for one in state.trials.values() if picture_files(pictures[one.trial_id])}
    if not found:
        refuse_unreadable_pictures(folder)
        raise ConfigError(f"{options.dir}: expected pictures in trials/*/pictures, got none (tracking.pictures: 0?)")
    trial = Trials(folder, plan, state, found, "with pictures").winner(options.arm, options.trial)
    try:
        shown = frames(pictures[trial.trial_id], options.seed)
    except ValueError as error:
        raise ConfigError(f"{trial.trial_id}: --{error}" if str(error).startswith("seed") else str(error)) from None
    out = options.out or folder / "animations"
    stem = trial.trial_id if options.seed is None else f"{trial.trial_id}-seed-{options.seed}"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out: expected a folder that can be written, got {out} ({error.strerror})") from None
    atomic_write(out / f"{stem}.gif", gif(shown, options.seconds))
    strip(shown).save(out / f"{stem}.png")
    paths = [str(out / f"{stem}{ending}") for ending in (".gif", ".png")]
    if options.json:
        print_json({"trial_id": trial.trial_id, "seeds": shown.seeds, "steps": shown.steps, "files": paths})
    else:
        print(*paths, sep="\n")
        if len(shown.steps) < 2:
            print("one picture only; tracking.pictures says how many a trial saves")
    return DONE
