"""Kept generators: the weights of a population's networks after training, as a safetensors file that explains itself.

Weights are stacked over the R replicas, under the names that their network gives them: `average.NAME` (R, *shape) are
the generator's that were measured, `raw.NAME` those that trained (left out where `ema` is 0 and they are the same), and
`critic.NAME`, on request, the critic's as its layers use them (under spectral normalisation, divided by their norms).
The metadata's one entry, `ganstudy`, is a JSON text: the spec with its data settings, the seeds, the shape of a sample,
the classes that the networks are told, the step, where each replica diverged, and versions. A replica that diverged is
kept as it fell. Reading a file executes nothing of what is in it.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from trainables.checks import choice
from trainables.networks import Network
from trainables.population import views
from trainables.spec import Spec
from trainables.training import Training

METADATA = "ganstudy"
FORMAT = 1
WEIGHTS = ("average", "raw")


class KeptError(ValueError):
    """A file of kept generators that cannot be used; the message names the file, what was expected and what came."""


@dataclass(frozen=True)
class Kept:
    """What a file of kept generators holds.

    Attributes:
        spec: of the training.
        seeds: of the replicas, in the order of the stacked weights.
        shape: of a sample.
        classes: that the networks are told; 0 for an unconditional model.
        step: generator updates taken.
        diverged: the step at which each replica diverged, None where it did not.
        tensors: the weights by their names in the file.
        about: all metadata, with what whoever kept it added.
        name: of the file, for errors.
    """

    spec: Spec
    seeds: list[int]
    shape: tuple[int, ...]
    classes: int
    step: int
    diverged: list[int | None]
    tensors: Mapping[str, Tensor]
    about: Mapping[str, Any]
    name: str

    @cached_property
    def generator(self) -> Network:
        """The generators' network; one of the user's own is imported, where `own_code` allows it."""
        return self.spec.network("generator", self.shape, self.classes)

    def weights(self, which: str = "average") -> tuple[Tensor, ...]:
        """The generators' weights (R, *shape) in their network's order; `which` is one of `WEIGHTS`.

        Raises `KeptError` where they are not those of the network, whose code may have changed since.
        """
        choice("weights", which, WEIGHTS)
        stored = which if any(name.startswith(f"{which}.") for name in self.tensors) else WEIGHTS[0]
        found = []
        for weight in self.generator.weights:
            expected, tensor = (len(self.seeds), *weight.shape), self.tensors.get(f"{stored}.{weight.name}")
            if tensor is None or tuple(tensor.shape) != expected:
                got = "none" if tensor is None else tuple(tensor.shape)
                why = "; its module has changed since" if "generator" in self.spec.own_networks else ""
                raise KeptError(
                    f"{self.name}: {stored}.{weight.name}: expected weights of shape {expected}, got {got}{why}"
                )
            found.append(tensor)
        return tuple(found)

    def place(self, seed: int | None = None) -> int:
        """Where a replica stands among the stacked ones; None: the first that did not diverge.

        Raises `KeptError` for a seed that is not there, or where every replica diverged.
        """
        if seed is not None and seed not in self.seeds:
            raise KeptError(f"seed: expected one of {', '.join(map(str, self.seeds))}, got {seed}")
        sound = [place for place, step in enumerate(self.diverged) if step is None]
        if seed is None and not sound:
            raise KeptError("seed: expected one, as every replica diverged, got none")
        return sound[0] if seed is None else self.seeds.index(seed)


def to_bytes(training: Training, critics: bool = False, about: Mapping[str, Any] | None = None) -> bytes | None:
    """The file of a training as it stands; `about` is added to its metadata. None for a model without weights.

    The same training gives the same bytes.
    """
    generator = training.model.stacks[0]
    if not generator.network.weights:
        return None
    tensors = _stored("average", generator.network, views(generator.network, training.average))
    if not torch.equal(training.average, generator.flat):
        tensors |= _stored("raw", generator.network, generator.constants)
    critic = training.model.critic() if critics else None
    if critic is not None:
        tensors |= _stored("critic", *critic)
    fell = [None if step < 0 else step for step in training.diverged_step.tolist()]
    described = {
        **(about or {}),
        "format": FORMAT,
        "spec": training.spec.to_dict(),
        "seeds": training.seeds,
        "shape": list(training.data.shape),
        "classes": training.classes,
        "step": training.step,
        "diverged": fell,
        "versions": _versions(),
    }
    return save(tensors, {METADATA: json.dumps(described)})


def from_bytes(payload: bytes, name: str) -> Kept:
    """What a file holds; `name` stands for it in errors. Raises `KeptError` for any other or damaged file."""
    try:
        tensors = load(payload)
        about = json.loads(metadata(payload)[METADATA])
        if not isinstance(about, dict):
            raise KeptError(f"{name}: expected a mapping as its metadata {METADATA}, got {about!r}")
        if about["format"] != FORMAT:
            raise KeptError(f"{name}: expected format {FORMAT} of kept generators, got {about['format']!r}")
        kept = Kept(
            spec=Spec.from_dict(about["spec"]),
            seeds=[int(seed) for seed in about["seeds"]],
            shape=tuple(int(size) for size in about["shape"]),
            classes=int(about["classes"]),
            step=int(about["step"]),
            diverged=list(about["diverged"]),
            tensors=tensors,
            about=about,
            name=name,
        )
        if "generator" not in kept.spec.own_networks:  # whose code is not imported to look at a file
            for which in WEIGHTS:
                kept.weights(which)
    except KeptError:
        raise
    except KeyError as error:
        raise KeptError(f"{name}: expected a file of kept generators, got one whose metadata lack {error}") from None
    except (SafetensorError, TypeError, ValueError) as error:
        raise KeptError(f"{name}: expected a file of kept generators, got one that cannot be read: {error}") from None
    return kept


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "torch": torch.__version__}
    with suppress(PackageNotFoundError):  # a source tree that was not installed
        found["ganstudy"] = version("ganstudy")
    return found


def _stored(which: str, network: Network, weights: Sequence[Tensor]) -> dict[str, Tensor]:
    stored = zip(network.weights, weights, strict=True)
    return {f"{which}.{weight.name}": values.detach().cpu().contiguous() for weight, values in stored}


def metadata(payload: bytes) -> Mapping[str, str]:
    """The metadata of a safetensors file, empty where it has none.

    Eight bytes say how long the JSON header is that follows them.
    """
    length = int.from_bytes(payload[:8], "little")
    found: Mapping[str, str] = json.loads(payload[8 : 8 + length]).get("__metadata__", {})
    return found
