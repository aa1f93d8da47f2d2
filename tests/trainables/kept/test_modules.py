"""A replica's generator as a plain module, and in a torch that has never heard of ganstudy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainables import own_code
from trainables.kept import KeptError, draw, export, from_bytes, load_generator, to_bytes
from trainables.kept.samples import _latents
from trainables.training import Training

Train = Callable[..., Training]
BARE = """
import sys
sys.modules.update(dict.fromkeys(("trainables", "study", "analysis")))  # importing them fails
import numpy as np, torch
generator = torch.export.load("generator.pt2").module()
latents, labels = (torch.from_numpy(np.load("inputs.npz")[name]) for name in ("latents", "labels"))
np.save("samples.npy", generator(latents, labels).detach().numpy())
"""


def written(training: Training, folder: Path) -> Path:
    payload, path = to_bytes(training), folder / "generators.safetensors"
    assert payload is not None
    path.write_bytes(payload)
    return path


@pytest.mark.parametrize("weights", ["average", "raw"])
def test_a_module_makes_the_populations_samples(trained: Train, tmp_path: Path, weights: str) -> None:
    path = written(trained(ema=0.9), tmp_path)
    kept = from_bytes(path.read_bytes(), "here")
    generator = load_generator(path, seed=5, weights=weights)
    samples, _ = draw(kept, [5], 50, weights=weights)
    assert torch.allclose(generator(_latents(kept, [5], 50)[0]), samples[0], atol=1e-6)
    assert {"dense0.weight", "dense1.bias"} < generator.state_dict().keys()
    assert all(parameter.requires_grad for parameter in generator.parameters())


@pytest.mark.parametrize("changes", [{}, {"data": "digits", "generator": {"kind": "conv", "width": 2}}])
def test_a_module_translates_as_the_population(trained: Train, tmp_path: Path, changes: dict[str, Any]) -> None:
    training = trained(model="cyclegan", ema=0.9, **changes)
    path = written(training, tmp_path)
    sources = training.model.latents(10, training.context.streams("pictures"))
    made = load_generator(path, seed=5)(sources[1])
    torch.testing.assert_close(made, training.generate(sources)[1], rtol=1e-5, atol=1e-5)
    export(path, tmp_path / "generator.pt2", seed=5)
    exported = torch.export.load(tmp_path / "generator.pt2").module()
    torch.testing.assert_close(exported(sources[1]), made)


def test_without_a_seed_it_is_the_first_that_did_not_diverge(trained: Train, tmp_path: Path) -> None:
    training = trained()
    training.diverged_step[0] = 1
    path = written(training, tmp_path)
    first, second = load_generator(path), load_generator(path, seed=5)
    assert torch.equal(first.dense0.weight, second.dense0.weight)  # type: ignore[arg-type]
    assert load_generator(path, seed=3) is not None  # as it fell
    training.diverged_step[:] = 1
    with pytest.raises(KeptError, match=r"^seed: expected one, as every replica diverged, got none$"):
        load_generator(written(training, tmp_path))


class Mine(nn.Module):
    """A generator of a user's own."""

    def __init__(self, latent_dim: int, shape: tuple[int, ...], classes: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(latent_dim, width), nn.Tanh(), nn.Linear(width, shape[0]))

    def forward(self, z: Tensor) -> Tensor:
        return z + self.body(z)  # type: ignore[no-any-return]


def test_a_generator_of_the_users_own_is_of_its_class_and_needs_its_code(
    trained: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as allowed:
        allowed.setattr(own_code, "attribute", lambda *_: Mine)
        path = written(trained(generator={"module": "mine:Mine", "width": 5}, ema=0.9), tmp_path)
        generator, kept = load_generator(path, seed=8), from_bytes(path.read_bytes(), "here")
        samples, _ = draw(kept, [8], 20)
        assert isinstance(generator, Mine)
        assert torch.allclose(generator(_latents(kept, [8], 20)[0]), samples[0], atol=1e-6)
    assert from_bytes(path.read_bytes(), "here").spec.generator["width"] == 5  # nothing is imported to look at a file
    with pytest.raises(own_code.NotAllowed, match=r"^generator.module: 'mine:Mine' is the user's own code"):
        load_generator(path)
    with monkeypatch.context() as allowed:
        allowed.setattr(own_code, "attribute", lambda *_: Wider)
        with pytest.raises(
            KeptError, match=r"body.0.weight: expected weights of .*\(3, 5, 2\); its module has changed"
        ):
            load_generator(path)


class Wider(Mine):
    """The same class after its author changed it."""

    def __init__(self, latent_dim: int, shape: tuple[int, ...], classes: int, width: int) -> None:
        super().__init__(latent_dim, shape, classes, width + 1)


def test_an_exported_generator_runs_where_there_is_no_ganstudy(trained: Train, tmp_path: Path) -> None:
    path = written(trained(model="cgan", data="digits", latent_dim=3), tmp_path)
    export(path, tmp_path / "generator.pt2", seed=8)
    latents, labels = torch.randn(9, 3, generator=torch.Generator().manual_seed(0)), torch.arange(9)
    np.savez(tmp_path / "inputs.npz", latents=latents.numpy(), labels=labels.numpy())
    subprocess.run([sys.executable, "-I", "-c", BARE], cwd=tmp_path, check=True)
    expected = load_generator(path, seed=8)(latents, labels).detach().numpy()
    np.testing.assert_allclose(np.load(tmp_path / "samples.npy"), expected, atol=1e-6)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none"):
        said = f"^path: expected a file of kept generators, found none at {path}$"
        with pytest.raises(FileNotFoundError, match=said):
            load_generator(path)
        with pytest.raises(FileNotFoundError, match=said):
            export(path, tmp_path / "out.pt2")
