"""A kept generator as an ordinary `nn.Module`, and as a file that bare torch runs.

The module maps latents (n, latent_dim), and labels (n,) of a conditional one, to samples (n, *shape). Latents are drawn
from the spec's prior: N(0, I), or uniform in [-1, 1]. A cyclegan's, which translates into the data, maps samples
(n, *shape) of its source.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from trainables.kept.file import Kept, from_bytes
from trainables.networks import plain
from trainables.networks.two import THERE

EXAMPLE = 4  # latents that an export is traced with; any number may be given afterwards


def load_generator(path: str | Path, seed: int | None = None, weights: str = "average") -> nn.Module:
    """One replica's generator from a file of kept generators: a module of torch's own parts, or of the user's class.

    Args:
        path: of a `generators.safetensors`.
        seed: of the replica; None: the first that did not diverge.
        weights: `average` for those that were measured, `raw` for those that trained.

    Raises:
        KeptError: the file cannot be used, or there is no such replica.
        NotAllowed: it is a class of the user's own, and `trainables.own_code.allow` was not called.
        ValueError: no such weights.
        FileNotFoundError: there is none.
        OSError: it cannot be read.
    """
    return module(_kept(path), seed, weights)


def _kept(path: str | Path) -> Kept:
    """What a file holds; a pipe, which would be waited for, is none."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"path: expected a file of kept generators, found none at {path}")
    return from_bytes(Path(path).read_bytes(), str(path))


def module(kept: Kept, seed: int | None = None, weights: str = "average") -> nn.Module:
    """The same of a file that has been read."""
    place, stacked, spec = kept.place(seed), kept.weights(weights), kept.spec
    named = {weight.name: values[place] for weight, values in zip(kept.generator.weights, stacked, strict=True)}
    if spec.model == "cyclegan":
        mine = {name.removeprefix(THERE): value for name, value in named.items() if name.startswith(THERE)}
        return plain.fitted(plain.translator(spec.generator, kept.shape), mine)
    return plain.fitted(plain.generator(spec.generator, spec.latent_dim, kept.shape, kept.classes), named)


def export(path: str | Path, out: str | Path, seed: int | None = None, weights: str = "average") -> None:
    """Write one replica's generator as a file that `torch.export.load(out).module()` runs without ganstudy.

    What it takes is what the module takes, for any number of latents; under batch normalisation of points two or more.
    Arguments and errors are those of `load_generator`.
    """
    kept = _kept(path)
    of_one = kept.shape if kept.spec.model == "cyclegan" else (kept.spec.latent_dim,)
    latents = torch.zeros(EXAMPLE, *of_one)
    inputs = (latents, torch.zeros(EXAMPLE, dtype=torch.int64)) if kept.classes else (latents,)
    any_number = torch.export.Dim("n")
    program = torch.export.export(module(kept, seed, weights), inputs, dynamic_shapes=({0: any_number},) * len(inputs))
    torch.export.save(program, out)
