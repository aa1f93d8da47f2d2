"""Published set-ups: each is what its paper says, passes `check`, and trains, shortened, from first step to last."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import truncnorm

from study.__main__ import main
from study.config import loading
from study.config.arms import Arm, corners, spec_for
from study.config.plan import StudyPlan
from study.config.schema import StudyConfig
from trainables import data
from trainables.metrics.classifier import train_classifier
from trainables.metrics.evaluator import Evaluator
from trainables.spec import Spec
from trainables.training import Training

PAPERS = Path(__file__).parents[2] / "configs" / "papers"
CONFIGS = sorted(PAPERS.glob("*.yaml"))
SHORT: dict[str, list[str]] = {
    "pacgan_ring": ["data.points=500", "data.heldout=200", "budget.batch_size=24"],
    "pacgan_grid": ["data.points=500", "data.heldout=200", "budget.batch_size=24"],
    "mode_hopping_sixteen": ["data.points=500", "data.heldout=200", "budget.batch_size=16"],
    "fgan_mixture": ["data.points=500", "data.heldout=200", "budget.batch_size=64"],
    "dirac": ["data.step.count=4", "data.gamma.count=4"],
    "d2l_grid": ["data.points=500", "data.heldout=200", "budget.batch_size=16"],
    "alpha_ring": ["data.points=500", "data.heldout=200", "budget.batch_size=16"],
    "sga_gaussian": ["data.points=500", "data.heldout=200", "budget.batch_size=16"],
    "r3gan_lazy": ["data.points=500", "data.heldout=200", "budget.batch_size=16", "fixed.critic_steps=4"],
    "r3gan_lazy_grid": ["data.points=500", "data.heldout=200", "budget.batch_size=16", "fixed.critic_steps=5"],
    "bilinear": ["data.points=500", "data.heldout=200", "budget.batch_size=16"],
    "are_gans_created_equal": ["data.download=false", "budget.batch_size=8", "fixed.generator.width=4"],
    "unrolled_ring": ["data.points=500", "data.heldout=200", "budget.batch_size=16"],
    "pacgan_stacked": [
        "data.download=false", "data.points=300", "data.heldout=100", "budget.batch_size=24",
        "fixed.generator.width=4", "fixed.critic.width=4",
    ],
}  # fmt: skip


def short(path: Path, mnist: Path) -> StudyPlan:
    """The study with two steps, few samples and, of pictures, those of the test."""
    settings = ["budget.steps=2", "budget.evaluations=2", "evaluation.samples=60", "evaluation.neighbour_samples=60"]
    if path.stem in ("are_gans_created_equal", "pacgan_stacked"):
        settings.append(f"data.root={mnist}")
    if path.stem == "are_gans_created_equal":
        settings.append("nuisance.critic.width=4")
    return loading.load(path, [*SHORT[path.stem], *settings])


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MNIST's four files in the real format: 0, 0, 8 = byte, dimensions; big-endian sizes; the bytes."""
    root, random = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 200), ("t10k", 100)):
        images = random.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        for name, values in (("images-idx3", images), ("labels-idx1", (np.arange(count) % 10).astype(np.uint8))):
            head = struct.pack(f">BBBB{values.ndim}i", 0, 0, 8, values.ndim, *values.shape)
            (raw / f"{part}-{name}-ubyte").write_bytes(head + values.tobytes())
    return root


def first(config: StudyConfig, arm: Arm) -> Spec:
    """An arm's specification at the lowest corner of its space."""
    return spec_for(config, arm, next(iter(corners(arm.space))))


def test_every_paper_has_a_short_version() -> None:
    assert {path.stem for path in CONFIGS} == set(SHORT)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_check_passes(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert loading.load(path).config.study in out


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_arm_trains(path: Path, mnist: Path) -> None:
    torch.set_num_threads(1)
    plan = short(path, mnist)
    config = plan.config
    points = data.load(**config.data)
    classifier = train_classifier(points, 0, steps=5) if points.images else None
    evaluator = Evaluator(points, config.evaluation, config.measure, classifier=classifier)
    for arm in plan.arms:
        training = Training(first(config, arm), [0, 1], data=points, evaluator=evaluator)
        while not training.done:
            last = training.advance()
        assert (last.seeds, last.step) == ([0, 1], 2)
        assert last.columns["diverged"] == [False, False], arm.name
        for metric in config.search.metrics:
            assert all(math.isfinite(value) for value in last.columns[metric])


def specs(name: str, *settings: str) -> list[Spec]:
    plan = loading.load(PAPERS / f"{name}.yaml", settings)
    return [first(plan.config, arm) for arm in plan.arms]


@pytest.mark.golden
@pytest.mark.parametrize(
    ("name", "modes", "std", "reach"), [("pacgan_ring", 8, 0.01, 1.0), ("pacgan_grid", 25, 0.05, 4 * math.sqrt(2))]
)
def test_pacgan_is_the_papers(name: str, modes: int, std: float, reach: float) -> None:
    found = specs(name)
    assert [spec.packing for spec in found] == [1, 2, 3, 4]
    points = data.load(**{**found[0].data, "points": 100, "heldout": 100})
    assert points.mixture is not None
    assert points.mixture.means.shape == (modes, 2)
    assert float(points.mixture.means.norm(dim=1).max()) == pytest.approx(reach)
    torch.testing.assert_close(points.mixture.variances, torch.full((modes,), std**2, dtype=torch.float64))
    for spec in found:
        assert spec.data["points"] == 100_000
        assert (spec.steps, spec.updates, spec.optimizer) == (400_000, "simultaneous", "adam")
        assert (spec.generator_lr, spec.critic_lr, spec.beta1) == (1e-4, 1e-4, 0.8)
        assert spec.batch_size % spec.packing == 0
        assert spec.generator["hidden"] == [400] * 4
        assert spec.critic["hidden"] == [200] * 3
        assert (spec.critic["activation"], spec.critic["pieces"]) == ("maxout", 5)
        assert spec.generator["batch_norm"] is True
        assert spec.generator["weight_std"] == spec.critic["weight_std"] == 0.02
        assert (spec.latent_dim, spec.latent, spec.evaluation["samples"]) == (2, "normal", 2500)
    assert loading.load(PAPERS / f"{name}.yaml").config.replicas == 10


@pytest.mark.golden
def test_pacgan_on_stacked_mnist_is_the_papers() -> None:
    found = specs("pacgan_stacked")
    assert [spec.packing for spec in found] == [1, 2, 3, 4]
    for spec in found:
        assert (spec.data["points"], spec.data["heldout"], spec.evaluation["samples"]) == (128_000, 26_000, 26_000)
        assert spec.steps == 50 * 128_000 // 64
        assert (spec.objective["name"], spec.optimizer, spec.beta1) == ("non_saturating", "adam", 0.5)
        assert spec.generator_lr == spec.critic_lr == 2e-4
        assert (spec.latent_dim, spec.latent, spec.batch_size) == (100, "uniform", 3 * 64)
        for network in (spec.generator, spec.critic):
            assert (network["kind"], network["width"], network["batch_norm"]) == ("conv", 64, True)
            assert network["weight_std"] == 0.02
    assert loading.load(PAPERS / "pacgan_stacked.yaml").config.replicas == 10


@pytest.mark.golden
def test_the_unrolled_ring_is_the_notebooks() -> None:
    found = specs("unrolled_ring")
    assert [spec.unroll for spec in found] == [0, 5]
    for spec in found:
        assert (spec.data["modes"], spec.data["radius"], spec.data["std"]) == (8, 1.0, 0.01)
        assert (spec.steps, spec.batch_size, spec.latent_dim, spec.latent) == (25_000, 512, 256, "normal")
        assert (spec.objective["name"], spec.updates, spec.optimizer, spec.beta1) == (
            "minimax",
            "simultaneous",
            "adam",
            0.5,
        )
        assert (spec.generator_lr, spec.critic_lr, spec.evaluation["samples"]) == (1e-3, 1e-4, 2500)
        for network in (spec.generator, spec.critic):
            assert (network["hidden"], network["activation"]) == ([128, 128], "tanh")
            assert (network["init"], network["gain"]) == ("orthogonal", 1.4)
    grid = ["data={name: grid, modes: 25, spacing: 2.0, std: 0.05}", "study=unrolled-grid"]
    assert loading.load(PAPERS / "unrolled_ring.yaml", grid).config.data["modes"] == 25


def test_pacgans_own_hundred_packs_are_a_setting_away() -> None:
    (spec,) = specs("pacgan_ring", "scientific.packing=[3]", "budget.batch_size=300")
    assert spec.batch_size // spec.packing == 100


@pytest.mark.golden
def test_are_gans_created_equal_has_the_papers_ranges() -> None:
    plan = loading.load(PAPERS / "are_gans_created_equal.yaml")
    arms = {arm.name: arm for arm in plan.arms}
    assert {"gan-minimax-none", "gan-non_saturating-none", "gan-least_squares-none", "vae"} <= set(arms)
    wgan, wgan_gp = arms["gan-wasserstein-clip"], arms["gan-wasserstein-gradient_penalty"]
    assert wgan.space["penalty.bound"].ends == (1e-3, 1)
    assert wgan_gp.space["penalty.weight"].ends == arms["gan-non_saturating-dragan"].space["penalty.weight"].ends
    assert wgan_gp.space["penalty.weight"].ends == (0.1, 100)
    for arm in (wgan, wgan_gp):
        assert arm.space["generator_lr"].ends == arm.space["critic_lr"].ends == (1e-5, 1e-2)
        assert arm.space["critic_steps"].ends == (1, 5)
        assert arm.space["beta1"].kind == "uniform"
        assert arm.space["generator_lr"].kind == "log_uniform"
    config = plan.config
    assert (config.search.trials_per_arm, config.search.sampler, config.confirm.replicas) == (100, "random", 50)
    fashion = loading.load(PAPERS / "are_gans_created_equal.yaml", ["data.name=fashion_mnist", "study=fashion"])
    assert fashion.config.data["name"] == "fashion_mnist"


@pytest.mark.golden
def test_the_grid_is_the_books() -> None:
    found = specs("d2l_grid")
    assert [(spec.pairing, [one["name"] for one in spec.penalties]) for spec in found] == [
        (pairing, penalties) for pairing in ("independent", "relativistic") for penalties in (["r1", "r2"], ["none"])
    ]
    for spec in found:
        assert (spec.data["modes"], spec.data["spacing"], spec.data["std"]) == (25, 2.0, 0.05)
        assert (spec.generator["hidden"], spec.generator["activation"], spec.latent_dim) == ([256, 256], "relu", 64)
        assert (spec.critic["hidden"], spec.critic["activation"]) == ([256, 256], "leaky_relu")
        assert (spec.generator_lr, spec.critic_lr, spec.beta1, spec.beta2) == (2e-4, 2e-4, 0, 0.99)
        assert (spec.steps, spec.batch_size, spec.updates, spec.evaluation["samples"]) == (
            20_000, 256, "alternating", 10_000
        )  # fmt: skip
        assert all(one["weight"] == 1 for one in spec.penalties if one["name"] != "none")


@pytest.mark.golden
def test_the_sixteen_are_the_notebooks() -> None:
    for spec, updates in zip(specs("mode_hopping_sixteen"), ("simultaneous", "sga"), strict=True):
        points = data.load(**{**spec.data, "points": 100, "heldout": 100})
        assert points.mixture is not None
        assert sorted(set(points.mixture.means.flatten().tolist())) == [-1.5, -0.5, 0.5, 1.5]
        torch.testing.assert_close(points.mixture.variances, torch.full((16,), 0.02**2, dtype=torch.float64))
        assert (spec.updates, spec.objective["name"], spec.optimizer) == (updates, "non_saturating", "rmsprop")
        assert (spec.generator_lr, spec.critic_lr, spec.beta2, spec.batch_size) == (1e-4, 1e-4, 0.9, 256)
        for network in (spec.generator, spec.critic):
            assert network["hidden"] == [384] * 6
            starts_as_sonnets(network)


@pytest.mark.golden
def test_the_75_directions_are_the_notebooks() -> None:
    for spec, updates in zip(specs("sga_gaussian"), ("simultaneous", "sga"), strict=True):
        assert (spec.data["dimensions"], spec.data["mean"], spec.data["std"]) == (75, 0, 1)
        assert (spec.updates, spec.objective["name"], spec.optimizer) == (updates, "non_saturating", "rmsprop")
        assert (spec.generator_lr, spec.critic_lr, spec.beta2, spec.batch_size) == (2e-4, 2e-4, 0.9, 64)
        assert (spec.steps, spec.latent_dim, spec.latent) == (20_000, 200, "normal")
        for network in (spec.generator, spec.critic):
            assert (network["hidden"], network["activation"]) == ([200] * 2, "relu")
            starts_as_sonnets(network)


def starts_as_sonnets(network: Mapping[str, Any]) -> None:
    """Normal weights that are cut off at two standard deviations, 1 / √fan-in, have a standard deviation of less."""
    assert network["init"] == "lecun"
    assert network["gain"] == pytest.approx(truncnorm(-2, 2).std(), abs=5e-3)


@pytest.mark.golden
def test_the_bilinear_game_is_played_without_momentum() -> None:
    for spec in specs("bilinear"):
        assert (spec.objective["name"], spec.generator["kind"], spec.critic["hidden"]) == ("wasserstein", "affine", [])
        assert (spec.generator_lr, spec.critic_lr, spec.beta1) == (0.1, 0.1, 0)


# Nowozin et al. 2016, table 5: the best (mu, sigma) for each divergence.
BEST: dict[str, tuple[float, float]] = {
    "kl": (1.0100, 1.8308),
    "reverse_kl": (1.5782, 1.6319),
    "jensen_shannon": (1.3070, 1.7542),
    "jeffrey": (1.3218, 1.7034),
    "pearson_chi2": (0.5737, 1.9274),
}


@pytest.mark.golden
def test_the_mixture_is_the_papers() -> None:
    found = specs("fgan_mixture")
    assert [spec.objective["name"] for spec in found] == list(BEST)
    truth = data.load(**{**found[0].data, "points": 10, "heldout": 10}).mixture
    assert truth is not None
    # The Gaussian nearest in KL(p || q) has the mixture's own moments.
    assert float(truth.mean) == pytest.approx(BEST["kl"][0], abs=5e-5)
    assert math.sqrt(float(truth.covariance)) == pytest.approx(BEST["kl"][1], abs=5e-4)
    for spec in found:
        assert (spec.batch_size, spec.generator_lr, spec.critic_lr, spec.beta1) == (1024, 0.01, 0.01, 0)
        assert (spec.critic["hidden"], spec.critic["activation"]) == ([64, 64], "tanh")
        assert spec.generator["kind"] == "affine"


@pytest.mark.slow
@pytest.mark.golden
@pytest.mark.parametrize("objective", BEST)
def test_training_finds_the_papers_best_gaussian(objective: str) -> None:
    """Within what a batch of 1024 at a step of 0.01 leaves of noise; the paper's own learned values are as far off."""
    settings: dict[str, Any] = {"steps": 10_000, "evaluations": 10}
    spec = next(spec for spec in specs("fgan_mixture") if spec.objective["name"] == objective)
    training = Training(Spec.from_dict({**spec.to_dict(), **settings}), [0])
    places = []
    while not training.done:
        training.advance()
        places.append(torch.cat([weight.flatten() for weight in training.model.stacks[0].constants]))
    mean, deviation = torch.stack(places[5:]).mean(0).tolist()
    assert (mean, abs(deviation)) == pytest.approx(BEST[objective], abs=0.1)
