"""The peer of the end-to-end benchmark: the study that a careful user writes on Ray alone. It uses nothing of ganstudy.

A function trainable that trains one seed, one OptunaSearch for each objective, MLflowLoggerCallback into SQLite; a
ring of eight Gaussians, width 64, batch 128, 2,000 steps, ten evaluations of FID, modes and fraction of high quality.
Prints one JSON line: how long the trials took from the start of the first to the end of the last, once Ray was up.

    python benchmarks/plain_study.py --folder DIR [--trials 4] [--steps 2000]
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # Ray on loopback alone
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow
import numpy as np
import ray
import torch
from numpy.typing import NDArray
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.search.optuna import OptunaSearch
from scipy.linalg import sqrtm
from torch import nn
from torch.nn import functional

Array = NDArray[np.float64]

MODES, RADIUS, STD = 8, 2.0, 0.02
WIDTH, BATCH, EVALUATIONS, SAMPLES = 64, 128, 10, 2500
OBJECTIVES = ("non_saturating", "least_squares")


def centres() -> Array:
    angles = 2 * np.pi * np.arange(MODES) / MODES
    return RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def ring(count: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    return centres()[rng.integers(MODES, size=count)] + STD * rng.standard_normal((count, 2))


def fid(samples: Array, reference: Array) -> float:
    mean, reference_mean = samples.mean(0), reference.mean(0)
    covariance, reference_covariance = np.cov(samples, rowvar=False), np.cov(reference, rowvar=False)
    root = np.real(sqrtm(covariance @ reference_covariance))
    return float(((mean - reference_mean) ** 2).sum() + np.trace(covariance + reference_covariance - 2 * root))


def coverage(samples: Array) -> tuple[int, float]:
    distances = np.linalg.norm(samples[:, None] - centres()[None], axis=2)
    nearest, good = distances.argmin(1), distances.min(1) < 3 * STD
    return len(np.unique(nearest[good])), float(good.mean())


def mlp(inputs: int, outputs: int, activation: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, WIDTH), activation, nn.Linear(WIDTH, WIDTH), activation, nn.Linear(WIDTH, outputs)
    )


def critic_loss(objective: str, on_real: torch.Tensor, on_fake: torch.Tensor) -> torch.Tensor:
    if objective == "least_squares":
        return 0.5 * ((on_real - 1).square().mean() + on_fake.square().mean())
    return functional.softplus(-on_real).mean() + functional.softplus(on_fake).mean()


def generator_loss(objective: str, on_fake: torch.Tensor) -> torch.Tensor:
    return 0.5 * (on_fake - 1).square().mean() if objective == "least_squares" else functional.softplus(-on_fake).mean()


def train(config: dict[str, Any]) -> None:
    """One seed of one configuration."""
    torch.set_num_threads(1)
    torch.manual_seed(config["seed"])
    points = ring(100_000, seed=0)
    data, reference = torch.from_numpy(points).float(), ring(10_000, seed=1)
    generator, critic = mlp(2, 2, nn.ReLU()), mlp(2, 1, nn.LeakyReLU(0.2))
    betas = (0.5, 0.999)
    generator_adam = torch.optim.Adam(generator.parameters(), config["generator_lr"], betas, fused=True)
    critic_adam = torch.optim.Adam(critic.parameters(), config["critic_lr"], betas, fused=True)
    for step in range(1, config["steps"] + 1):
        real = data[torch.randint(len(data), (BATCH,))]
        with torch.no_grad():
            fake = generator(torch.randn(BATCH, 2))
        on_real, on_fake = critic(torch.cat([real, fake])).chunk(2)
        loss = critic_loss(config["objective"], on_real, on_fake)
        critic_adam.zero_grad()
        loss.backward()
        critic_adam.step()

        critic.requires_grad_(False)
        fooled = generator_loss(config["objective"], critic(generator(torch.randn(BATCH, 2))))
        generator_adam.zero_grad()
        fooled.backward()
        generator_adam.step()
        critic.requires_grad_(True)

        if step % (config["steps"] // EVALUATIONS) == 0:
            with torch.no_grad():
                samples = generator(torch.randn(SAMPLES, 2)).double().numpy()
            modes, high_quality = coverage(samples)
            tune.report(
                {
                    "step": step,
                    "fid": fid(samples, reference),
                    "modes": modes,
                    "high_quality": high_quality,
                    "loss_critic": loss.item(),
                    "loss_generator": fooled.item(),
                }
            )


def study(folder: Path, trials: int, steps: int) -> float:
    """Run `trials` trials of each objective, two at a time; seconds from the first start to the last end."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("plain", artifact_location=str(folder / "artifacts"))
    start = time.perf_counter()
    for objective in OBJECTIVES:
        space = {
            "objective": objective,
            "steps": steps,
            "seed": tune.randint(0, 2**31 - 1),
            "generator_lr": tune.loguniform(1e-4, 1e-2),
            "critic_lr": tune.loguniform(1e-4, 1e-2),
        }
        tuner = tune.Tuner(
            tune.with_resources(train, {"cpu": 1}),
            param_space=space,
            tune_config=tune.TuneConfig(
                search_alg=OptunaSearch(), metric="fid", mode="min", num_samples=trials, max_concurrent_trials=2
            ),
            run_config=tune.RunConfig(
                name=objective,
                storage_path=str(folder / "ray"),
                callbacks=[MLflowLoggerCallback(tracking_uri=uri, experiment_name="plain")],
                verbose=0,
            ),
        )
        results = tuner.fit()
        if results.num_errors or len(results) != trials:
            raise RuntimeError(f"{objective}: {results.num_errors} of {trials} trials failed")
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=4, help="of each objective")
    parser.add_argument("--steps", type=int, default=2000)
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    ray.init(address="local", num_cpus=2, log_to_driver=False, include_dashboard=False)
    seconds = study(folder, options.trials, options.steps)
    ray.shutdown()
    print(json.dumps({"seconds": seconds, "trials": options.trials * len(OBJECTIVES)}))


if __name__ == "__main__":
    main()
