"""The command sample: draws of one kept generator as an array, or as pictures."""

from __future__ import annotations

import io
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from analysis.wording import counted
from study.atomic_write import atomic_write
from study.command.kept import kept_trials
from study.command.output import DONE, print_json
from study.config.messages import ConfigError
from trainables.kept import Kept, KeptError, draw

MOST = 10**7  # samples


def sample(options: Namespace) -> int:
    """Draw samples of one replica of a trial whose generators are kept."""
    if not 1 <= options.count <= MOST:
        raise ConfigError(f"--count: expected a number from 1 to {MOST}, got {options.count}")
    if options.label is not None and abs(options.label) > MOST:
        raise ConfigError(f"--label: expected the number of a class, got {options.label}")
    there = kept_trials(options.dir, options.trust)
    trial = there.winner(options.arm, options.trial)
    kept = there.read(trial)
    as_array = options.out.suffix == ".npz"
    _check_out(options.out, as_array, kept.shape)
    try:
        seed = kept.seeds[kept.place(options.seed)]
        chosen = None if options.label is None else torch.full((options.count,), options.label)
        samples, labels = draw(kept, [seed], options.count, chosen, options.weights)
    except KeptError as error:
        raise ConfigError(f"{trial.trial_id}: --{error}") from None
    except ValueError as error:
        raise ConfigError(f"--{error}") from None
    if not samples.isfinite().all():
        raise ConfigError(f"{trial.trial_id}: --seed: {_no_numbers(kept, seed)}")
    values, asked = samples[0].numpy(), None if labels is None else labels[0].numpy()
    about = {"trial_id": trial.trial_id, "seed": seed, "step": kept.step, "weights": options.weights}
    try:
        if as_array:
            _write_array(options.out, values, asked, about)
        else:
            _write_pictures(options.out, values, asked if options.label is None else None)
    except PermissionError as error:
        raise ConfigError(
            f"--out: expected a place that can be written, got {options.out} ({error.strerror})"
        ) from None
    _say(options, about | {"arm": trial.arm, "count": options.count}, kept.diverged[kept.place(seed)])
    return DONE


def _no_numbers(kept: Kept, seed: int) -> str:
    """That a replica's samples are not all finite, and which other replicas did not diverge."""
    fell = kept.diverged[kept.place(seed)]
    how = "" if fell is None else f", which diverged at step {fell:,}"
    sound = [str(one) for one, step in zip(kept.seeds, kept.diverged, strict=True) if step is None and one != seed]
    others = f"; those that did not diverge: {', '.join(sound)}" if sound else ""
    return f"expected a replica whose samples are finite numbers, got {seed}{how}{others}"


def _say(options: Namespace, about: dict[str, Any], diverged: int | None) -> None:
    if options.json:
        print_json({**about, "label": options.label, "diverged_step": diverged, "out": str(options.out)})
        return
    fell = "" if diverged is None else f", which diverged at step {diverged:,}"
    print(f"{counted(about['count'], 'sample')} of {about['trial_id']}, seed {about['seed']}{fell}, in {options.out}")


def _check_out(out: Path, as_array: bool, shape: tuple[int, ...]) -> None:
    if as_array:
        if out.is_dir() or not out.parent.is_dir():
            raise ConfigError(f"--out: expected a file in a folder that is there, got {out}")
        return
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ConfigError(f"--out: expected a file .npz, as samples of shape {shape} are no pictures, got {out}")
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        there = "a file" if out.is_file() else "which is not empty"
        raise ConfigError(f"--out: expected a file .npz, or a new folder for pictures, got {out}, {there}")


def _write_array(out: Path, samples: Any, labels: Any, about: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {"samples": samples, **({} if labels is None else {"labels": labels}), **about}
    np.savez(buffer, **arrays)
    atomic_write(out, buffer.getvalue())


def _write_pictures(out: Path, samples: Any, labels: Any) -> None:
    """PNG files numbered from 0; in a folder per class where the samples are of several."""
    pixels = np.rint(np.clip(np.nan_to_num(samples) * 127.5 + 127.5, 0, 255)).astype(np.uint8)
    for number, image in enumerate(pixels):
        folder = out if labels is None else out / str(labels[number])
        folder.mkdir(parents=True, exist_ok=True)
        channels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
        Image.fromarray(channels).save(folder / f"{number:05d}.png")
