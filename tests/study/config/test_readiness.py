import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.config.readiness import check_memory, check_precision, check_resources, check_training, needed, ready
from trainables import precision, train_classifier
from trainables.data import load

Build = Callable[..., StudyPlan]
FEW = {"evaluation": {"samples": 40, "neighbour_samples": 40}}  # no more than are held out


def test_a_trial_may_not_ask_for_more_than_there_is(least: Build) -> None:
    config = least(resources={"gpu": 1, "cpu": 4}).config
    check_resources(config, 1, 4)
    check_resources(config, 8)
    with pytest.raises(ConfigError, match=r"resources\.gpu: expected at most 0, all that this machine has, got 1"):
        check_resources(config, 0, 4)
    with pytest.raises(ConfigError, match=r"resources\.cpu: expected at most 2, all that this machine has, got 4"):
        check_resources(config, 1, 2)


BOTH = ["fp32", "tf32"]


@pytest.mark.parametrize(
    "sections",
    [
        {"fixed": {"precision": "tf32"}},
        {"scientific": {"precision": BOTH}},
        {"scientific": [{"name": "a"}, {"precision": "tf32"}]},
        {"scientific": [{"name": "a", "precision": {"choice": BOTH}}]},
        {"nuisance": {"precision": {"choice": BOTH}}},
    ],
)
def test_a_card_must_have_the_precision(
    sections: dict[str, Any], least: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = least(resources={"gpu": 1}, **sections).config  # wherever it is read
    monkeypatch.setattr(precision, "offered", lambda device: ("fp32", "tf32"))
    check_precision(config, "cuda")
    monkeypatch.setattr(precision, "offered", lambda device: ("fp32",))
    message = r"precision: expected fp32 on this device \(cuda\), which has no tf32, got tf32"
    with pytest.raises(ConfigError, match=message):
        check_precision(config, "cuda")


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"data": {"name": "ring", "points": 10**9, "heldout": 10**9}}, r"data\.points: expected what 75% of .* 8 GB"),
        ({"data": {"name": "ring", "heldout": 10**9}}, r"data\.heldout: .*, got 1,000,000,000, which take 8"),
        ({"evaluation": {"samples": 10**9}}, r"samples: .* got 1,000,000,000, which take 544 GB with 8 replicas"),
        ({"budget": {"steps": 20, "batch_size": 10**6}, "data": {"name": "gaussian", "dimensions": 1000}},
         r"budget\.batch_size: expected what 75% of this machine's 8 GB of memory .* got 1,000,000, which take 32 GB"),
        ({"confirm": {"top": 1, "replicas": 4096}, "evaluation": {"samples": 300_000}}, "69 GB with 4096 replicas"),
    ],
)  # fmt: skip
def test_what_memory_cannot_hold_is_refused(sections: dict[str, Any], message: str, least: Build) -> None:
    check_memory(least().config, 8 * 10**9)
    with pytest.raises(ConfigError, match=message):
        check_memory(least(**sections).config, 8 * 10**9)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"fixed": {"latent_dim": 10**6}}, r"fixed\.latent_dim: expected what 75% of this machine's 8 GB of memory can"
         r" hold, got 1,000,000, with which 8 replicas take 1\d\d GB or more \(arm"),
        ({"nuisance": {"latent_dim": {"choice": [2, 10**6]}}}, r"nuisance\.latent_dim: .* got 1,000,000, with which 8"),
        ({"fixed": {"generator": {"hidden": [8192, 8192]}}}, r"fixed\.generator: .* got 67,\d{3},\d{3} weights, with"),
        ({"fixed": {"critic": {"hidden": [4096] * 4}}, "confirm": {"top": 1, "replicas": 9}},
         r"fixed\.critic: .* got 50,\d{3},\d{3} weights, with which 9 replicas take 7 GB or more"),
        ({"budget": {"steps": 20, "evaluations": 2, "batch_size": 10**6}, "fixed": {"critic": {"hidden": [900]}}},
         r"budget\.batch_size: .* got 1,000,000, with which 8 replicas take 8 GB or more"),
        ({"replicas": 2000, "fixed": {"critic": {"hidden": [512, 512]}}}, r"critic: .*, with which 2000 replicas take"),
    ],
)  # fmt: skip
def test_a_population_that_memory_cannot_hold_is_refused(sections: dict[str, Any], message: str, least: Build) -> None:
    check_training(least(), 8 * 10**9)
    with pytest.raises(ConfigError, match=message):
        check_training(least(**sections), 8 * 10**9)


@pytest.mark.parametrize(
    ("data", "samples", "replicas", "measured"),
    [
        ({"name": "ring"}, 10**6, 1, 152e6),
        ({"name": "ring"}, 10**6, 2, 170e6),
        ({"name": "ring"}, 10**6, 4, 296e6),
        ({"name": "ring"}, 4 * 10**6, 2, 741e6),
        ({"name": "gaussian", "dimensions": 50}, 2 * 10**5, 1, 154e6),
        ({"name": "gaussian", "dimensions": 50}, 2 * 10**5, 4, 312e6),
    ],
)
def test_an_evaluations_memory_is_bounded(
    data: dict[str, Any], samples: int, replicas: int, measured: float, least: Build
) -> None:
    """`measured` is by how much a process's peak of resident memory grew in `Training.measure`, on a core."""
    found = needed(least(data=data, evaluation={"samples": samples}).config, replicas)["evaluation.samples"]
    assert measured <= found < 2 * measured


def test_readiness_looks_at_the_machine(least: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    ready(least())
    wants_gpu = least(resources={"gpu": 0.25})
    with pytest.raises(ConfigError, match=r"resources\.gpu: expected at most 0, all that this machine has, got 0\.25"):
        ready(wants_gpu)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    ready(wants_gpu)
    with pytest.raises(ConfigError, match=r"data\.root: mnist is not under .*set `download: true`"):
        ready(least(data={"name": "mnist", "root": str(tmp_path)}))
    (note,) = ready(least(data={"name": "mnist", "root": str(tmp_path), "download": True}))
    assert note == f"data.root: mnist is not under {tmp_path} yet, where a run puts it first"


def unwritable(tmp_path: Path) -> list[str]:
    """Paths at which no folder is or can be made; the superuser may write into any folder that is one."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "lost").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    names = ["file", "file/below", "loop", "loop/below", "lost", "pipe", "a\0b", "a\ud800/b", "x" * 300]
    return ["/dev/null", *(f"{tmp_path}/{name}" for name in names)]


def test_a_storage_must_be_a_folder_that_can_be_written(least: Build, tmp_path: Path) -> None:
    for path in unwritable(tmp_path):
        with pytest.raises(ConfigError, match=r"^resources\.storage: expected a folder that can be written, got '/"):
            ready(least(resources={"storage": path}))
    (tmp_path / "link").symlink_to(tmp_path)
    for path in ("", "new", "new/new er", "link", "link/new"):
        ready(least(resources={"storage": f"{tmp_path}/{path}"}))
    ready(least(resources={"storage": "s3://bucket/anything"}))
    assert not (tmp_path / "new").exists()


def test_a_database_must_be_a_file_in_a_folder_that_can_be_written(least: Build, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for path in ("/dev/null", f"{tmp_path}/folder", f"{tmp_path}/file/runs.db"):
        with pytest.raises(ConfigError, match=r"^tracking\.uri: expected a (file|folder) that can be written, got '/"):
            ready(least(tracking={"uri": f"sqlite:///{path}"}))
    for uri in (f"sqlite:///{tmp_path}/file", f"sqlite+pysqlite:///{tmp_path}/new/runs.db?timeout=3", "http://host"):
        ready(least(tracking={"uri": uri}))


@pytest.mark.skipif(os.getuid() == 0, reason="the superuser may write anywhere")
def test_a_storage_of_somebody_elses_is_refused(least: Build, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match=r"^resources\.storage: expected a folder that can be written"):
        ready(least(resources={"storage": f"{tmp_path}/new"}))


def test_on_a_cluster_its_own_resources_count(least: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    ready(least(resources={"gpu": 8, "cpu": 4000}))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((50, 2)), "data.heldout: expected at least 10 held-out points, as the floor of every measurement is"),
        (np.where(np.arange(200)[:, None] == 3, np.nan, np.ones((200, 2))), "data.path: samples in "),
    ],
)
def test_points_that_a_run_would_refuse_are_refused(
    points: np.ndarray[Any, Any], message: str, least: Build, tmp_path: Path
) -> None:
    np.save(tmp_path / "points.npy", points)
    with pytest.raises(ConfigError, match=f"^{message}"):
        ready(least(data={"name": "arrays", "path": str(tmp_path / "points.npy")}))


@pytest.mark.parametrize("heldout", [0.1, "others"])
def test_too_few_pictures_are_refused_before_any_is_read(heldout: float | str, least: Build, tmp_path: Path) -> None:
    for folder, count in (("pictures", 50), ("others", 5)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            Image.new("L", (8, 8), number).save(tmp_path / folder / f"{number}.png")
    part = str(tmp_path / heldout) if isinstance(heldout, str) else heldout
    data = {"name": "images", "root": str(tmp_path / "pictures"), "size": 8, "channels": 1, "heldout": part}
    with pytest.raises(ConfigError, match=r"^data\.heldout: expected at least 10 held-out points, .*, got 5$"):
        ready(least(data=data))
    (note,) = ready(least(data={**data, "heldout": 0.2}))
    assert note.startswith(
        "data.heldout: what real data score is measured on 10 points, what a generator scores on 2,5"
    )


@pytest.mark.parametrize(("scale", "shift"), [(1000.0, 0.0), (1.0, 50.0), (0.001, 0.0)])
def test_points_on_another_scale_are_noted(scale: float, shift: float, least: Build, tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).normal(size=(400, 3))
    data = {"name": "arrays", "path": str(tmp_path / "points.npy")}
    np.save(data["path"], 3 * drawn)
    assert ready(least(data=data, **FEW)) == []
    np.save(data["path"], scale * drawn + shift)
    (note,) = ready(least(data=data, **FEW))
    assert re.fullmatch(
        r"data: the points' coordinates have means up to .+ from 0 and standard deviations up to .+, while a generator"
        r" begins near 0 with values of about 1: scale them first \(see `ganstudy docs own_data`\)",
        note,
    )


@pytest.mark.parametrize(
    ("constant", "value", "said"),
    [
        (
            [2],
            100.0,
            "coordinate 2, counted from 0, is the same in all points, which scaling does not change: leave it",
        ),
        ([0, 2], 0.1, "coordinates 0 and 2, counted from 0, are the same in all points, which scaling does not change"),
        ([*range(7)], 1e-3, "coordinates 0, 1, 2, 3, 4 and 2 more, counted from 0, are the same in all points, which"),
    ],
)
def test_a_coordinate_that_is_constant_is_not_to_be_scaled(
    constant: list[int], value: float, said: str, least: Build, tmp_path: Path
) -> None:
    drawn = np.random.default_rng(0).normal(size=(400, 8))
    drawn[:, constant] = value
    data = {"name": "arrays", "path": str(tmp_path / "points.npy")}
    np.save(data["path"], drawn)
    (note,) = ready(least(data=data, **FEW))
    assert note.startswith(f"data: {said}")
    drawn[:, 7] *= 1000
    np.save(data["path"], drawn)
    assert [": scale them first" in note for note in ready(least(data=data, **FEW))] == [False, True]
    drawn[:] = value
    np.save(data["path"], drawn)
    (note,) = ready(least(data=data, **FEW))
    assert "3, 4 and 3 more, counted from 0, are the same" in note


def test_a_batch_larger_than_the_data_is_noted(least: Build, tmp_path: Path) -> None:
    data = {"name": "arrays", "path": str(tmp_path / "points.npy")}
    np.save(data["path"], np.random.default_rng(0).normal(size=(400, 3)))
    budget = {"steps": 20, "evaluations": 20, "batch_size": 361}
    assert ready(least(data=data, budget=budget, **FEW)) == [
        "budget.batch_size: a batch of 361 has points several times, as there are 360"
    ]


def test_a_floor_of_fewer_points_than_a_generators_samples_is_noted(least: Build, tmp_path: Path) -> None:
    own = {"name": "arrays", "path": str(tmp_path / "points.npy")}
    np.save(own["path"], np.random.default_rng(0).normal(size=(400, 3)))
    for data, held in (({"name": "swiss_roll", "heldout": 250}, 250), (own, 40)):
        (note,) = ready(least(data=data))
        assert note.startswith(f"data.heldout: what real data score is measured on {held} points, what a generator")
        assert "times their distance" not in note  # which in raw features is not asked for
        assert ready(least(data=data, **FEW)) == []
    stacks = {"data": {"name": "stacked_digits", "heldout": 500}, "evaluation": {"features": "classifier"}}
    (note,) = ready(least(**stacks))
    assert "and 4 times their distance, within which samples count as near the data, is further away" in note
    assert ready(least(data={"name": "swiss_roll", "heldout": 2500})) == []
    assert ready(least(data={"name": "ring", "heldout": 250})) == []  # fresh points are drawn of it


@pytest.mark.parametrize(
    ("name", "held"), [("mnist", 10_000), ("fashion_mnist", 10_000), ("cifar10", 10_000), ("svhn", 26_032)]
)
def test_pictures_to_be_downloaded_are_as_many_as_published(name: str, held: int, least: Build, tmp_path: Path) -> None:
    data = {"name": name, "root": str(tmp_path), "download": True}
    few, absent = ready(least(data=data, evaluation={"samples": held + 1}))
    assert few.startswith(f"data.heldout: what real data score is measured on {held:,} points, what a generator")
    assert ready(least(data=data, evaluation={"samples": held})) == [absent]


def test_pictures_that_are_there_are_counted(least: Build, tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 300), ("t10k", 200)):
        length = count.to_bytes(4, "big")
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + length + bytes(count))
        side = (28).to_bytes(4, "big")
        (raw / f"{part}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + length + 2 * side + bytes(count * 28**2))
    data = {"name": "mnist", "root": str(tmp_path)}
    (note,) = ready(least(data=data, evaluation={"samples": 201}))
    assert note.startswith("data.heldout: what real data score is measured on 200 points")


def test_a_classifier_given_is_one_and_of_these_pictures(least: Build, tmp_path: Path) -> None:
    file = tmp_path / "classifier.pt"
    train_classifier(load("digits"), 0, steps=1).save(file)
    evaluation = {**FEW["evaluation"], "classifier": str(file)}
    ready(least(data={"name": "digits"}, evaluation=evaluation))
    stacks = {"name": "stacked_digits", "heldout": 500}
    with pytest.raises(
        ConfigError,
        match=r"^evaluation\.classifier: expected one for 1000 classes of shape \(3, 8, 8\), got one for 10 ",
    ):
        ready(least(data=stacks, evaluation=evaluation))
    with file.open("wb") as other:
        np.savez(other, samples=np.zeros((4, 1, 8, 8)))
    with pytest.raises(
        ConfigError, match=r"^evaluation\.classifier: expected what Classifier\.save wrote, got another"
    ):
        ready(least(data={"name": "digits"}, evaluation=evaluation))


def test_a_study_has_an_experiment_of_its_own_in_mlflow(least: Build) -> None:
    ready(least(study="default", **FEW))
    with pytest.raises(ConfigError, match="study: expected a name other than Default, MLflow's own experiment's"):
        ready(least(study="Default", **FEW))
