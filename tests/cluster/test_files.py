"""The cluster files, held to Ray's own schema and to KubeRay's fields; no cloud is asked."""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[2]
FILES = ROOT / "configs" / "cluster"
# KubeRay's fields (ray.io/v1, release 1.7), as far as a study may want them.
FIELDS = {
    "": {"apiVersion", "kind", "metadata", "spec"},
    "spec": {
        "entrypoint", "submissionMode", "backoffLimit", "submitterConfig", "shutdownAfterJobFinishes", "rayClusterSpec",
        "ttlSecondsAfterFinished", "activeDeadlineSeconds", "runtimeEnvYAML", "suspend", "entrypointNumCpus",
    },
    "spec.submitterConfig": {"backoffLimit"},
    "spec.rayClusterSpec": {
        "rayVersion", "authOptions", "enableInTreeAutoscaling", "autoscalerOptions", "headGroupSpec",
        "workerGroupSpecs",
    },
    "spec.rayClusterSpec.authOptions": {"mode", "secretName"},
    "spec.rayClusterSpec.autoscalerOptions": {"version", "idleTimeoutSeconds", "upscalingMode", "resources", "env"},
    "spec.rayClusterSpec.headGroupSpec": {"rayStartParams", "template", "serviceType"},
    "spec.rayClusterSpec.workerGroupSpecs": {
        "groupName", "replicas", "minReplicas", "maxReplicas", "idleTimeoutSeconds", "rayStartParams", "template",
    },
}  # fmt: skip


def read(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((FILES / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["local.yaml", "aws.yaml", "gcp.yaml"])
def test_ray_accepts_the_file(name: str) -> None:
    described = read(name)
    prepared = prepare_config(copy.deepcopy(described))
    validate_config(prepared)
    assert prepared["head_start_ray_commands"] == described["head_start_ray_commands"]
    assert prepared["max_workers"] == (described.get("max_workers") or len(described["provider"]["worker_ips"]))


@pytest.mark.parametrize("name", ["local.yaml", "aws.yaml", "gcp.yaml"])
def test_every_node_gets_the_project_the_token_and_loopback_pages(name: str) -> None:
    described = read(name)
    mounts = described["file_mounts"]
    needed = {path.removeprefix("~/ganstudy/") for path in mounts if path.startswith("~/ganstudy/")}
    assert all((ROOT / path).exists() for path in needed)
    assert needed >= {"study", "trainables", "analysis", "configs", "pyproject.toml", "constraints.txt"}
    copied = [line.split()[2:-1] for line in (FILES / "Dockerfile").read_text().splitlines() if line.startswith("COPY")]
    assert needed == {path for paths in copied for path in paths}
    assert mounts["~/.ray/auth_token"] == "~/.ray/auth_token"
    commands = "\n".join(described["setup_commands"])
    assert "pip install --quiet --constraint ~/ganstudy/constraints.txt ~/ganstudy" in commands
    assert "|| echo '. ~/ganstudy/configs/cluster/environment.sh' >> ~/.bashrc" in commands
    assert "chmod 600 ~/.ray/auth_token" in commands
    (head,) = (line for line in described["head_start_ray_commands"] if "ray start" in line)
    assert "--dashboard-host=127.0.0.1" in head
    assert "export RAY_AUTH_MODE=token" in (FILES / "environment.sh").read_text()


@pytest.mark.parametrize("name", ["aws.yaml", "gcp.yaml"])
def test_gpu_machines_come_and_go_with_the_trials(name: str) -> None:
    described = read(name)
    head, gpu, cpu = (described["available_node_types"][kind] for kind in ("head", "gpu", "cpu"))
    assert head["resources"] == {"CPU": 0}
    assert gpu["resources"]["GPU"] == 1
    for kind in (gpu, cpu):
        assert (kind["min_workers"], kind["max_workers"]) == (0, described["max_workers"])
        assert "SPOT" in str(kind["node_config"]).upper()
    assert "SPOT" not in str(head["node_config"]).upper()


@pytest.mark.parametrize("name", ["aws.yaml", "gcp.yaml", "kuberay.yaml", "Dockerfile"])
def test_ray_is_the_version_that_the_tests_passed_with(name: str) -> None:
    pinned = next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("ray=="))
    assert pinned.removeprefix("ray==") in (FILES / name).read_text()


def test_the_environment_is_read_by_a_shell(tmp_path: Path) -> None:
    (tmp_path / ".venvs/ganstudy/bin").mkdir(parents=True)
    (tmp_path / ".ganstudy.env").write_text("MLFLOW_TRACKING_URI=http://mlflow.example:5000\n")
    script = f". {FILES / 'environment.sh'}; bash -c 'echo \"$RAY_AUTH_MODE $MLFLOW_TRACKING_URI $PATH\"'"
    done = subprocess.run(
        ["bash", "-euc", script], env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    path = f"{tmp_path}/.venvs/ganstudy/bin:/usr/bin:/bin"
    assert done.stdout.split() == ["token", "http://mlflow.example:5000", path]


def test_kuberay_knows_every_field() -> None:
    job = read("kuberay.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    for place, known in FIELDS.items():
        found: Any = job
        for key in filter(None, place.split(".")):
            found = found[key]
        for section in found if isinstance(found, list) else [found]:
            assert set(section) <= known, place
    assert job["spec"]["submissionMode"] in ("K8sJobMode", "HTTPMode", "SidecarMode", "InteractiveMode")
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"]["mode"] == "token"
    assert cluster["autoscalerOptions"]["upscalingMode"] in ("Default", "Aggressive", "Conservative")
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        pod = group["template"]["spec"]
        assert set(pod) <= {"serviceAccountName", "restartPolicy", "nodeSelector", "tolerations", "containers"}
        for container in pod["containers"]:
            assert set(container) <= {"name", "image", "envFrom", "ports", "resources"}
            assert container["resources"]["requests"] == container["resources"]["limits"]
    (workers,) = cluster["workerGroupSpecs"]
    assert workers["minReplicas"] <= workers["replicas"] <= workers["maxReplicas"]
    assert workers["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_the_entrypoint_is_a_command_of_ours() -> None:
    from study.command.cli import parser
    from study.config import loading

    python, script, *arguments = read("kuberay.yaml")["spec"]["entrypoint"].split()
    assert (python, script) == ("python", "/home/ray/ganstudy/configs/cluster/submit.py")
    options = parser().parse_args(arguments)
    assert loading.load(ROOT / options.config, options.set).config.resources.storage.startswith("s3://")
