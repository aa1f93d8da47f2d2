from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import study
from study.__main__ import main
from study.config import loading, strict_yaml
from study.config.plan import StudyPlan
from study.ledger.entries import Ended, Result
from study.ledger.journal import Journal
from study.ledger.lock import LockOwner, StudyBusy
from study.record.build import build_record
from study.search.trials import confirm_trial

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
QUICK = ROOT / "configs" / "quickstart.yaml"
COMMANDS = ("check", "run", "resume", "status", "report", "ui")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Stands in for `study.run` and notes what it was asked; a run leaves the folder as a real one does first."""
    asked: list[tuple[Any, ...]] = []

    def run_study(plan: StudyPlan, folder: Path, begun: Callable[[], None]) -> int:
        begun()
        asked.append(("run", plan.config.study, folder))
        (folder / "ledger").mkdir()
        loading.write(plan.config, folder / "study.yaml")
        print("a live table")
        return 0

    def resume_study(
        folder: Path, overrides: Sequence[str] = (), retry_failed: bool = False, begun: Callable[[], None] = print
    ) -> int:
        begun()
        asked.append(("resume", folder, overrides, *(["again"] if retry_failed else [])))
        return 0

    monkeypatch.setattr(study, "run", SimpleNamespace(run_study=run_study, resume_study=resume_study), raising=False)
    return asked


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one message on stderr of a command that exits 2 and prints nothing else."""
    assert main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ganstudy: ")
    assert "Traceback" not in err
    return err.removeprefix("ganstudy: ").rstrip("\n")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_there_for_every_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*([command] if command else []), "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert f"usage: ganstudy {command}".strip() in out
    if not command:
        assert all(name in out for name in COMMANDS)


def test_a_mistyped_command_is_told_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rum", "study.yaml"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.rstrip("\n").endswith("; did you mean 'run'?")


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"ganstudy {version('ganstudy')}\n"


def test_a_version_that_cannot_be_written_is_one_message() -> None:
    with open("/dev/full", "w") as full:
        command, surroundings = [sys.executable, "-m", "study", "--version"], {**os.environ, "PYTHONUNBUFFERED": "1"}
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=surroundings, check=False)
    assert (ended.returncode, ended.stderr) == (1, "ganstudy: No space left on device\n")


def test_help_is_instant_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; sys.argv = ['ganstudy', '--help']\n"
        "from study.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'ray', 'mlflow', 'optuna', 'pandas', 'pydantic', 'rich', 'yaml'} & sys.modules.keys()\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    ("text", "heavy", "message"),
    [
        ("study: [", ("torch", "numpy", "pandas", "rich"), "expected plain YAML"),
        ("study: a\nbugdet: {}\n", ("pandas", "scipy.stats", "rich"), "bugdet: unknown key"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_before_more_than_that_needs_is_imported(
    text: str, heavy: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(text, encoding="utf-8")
    code = (
        "import sys\n"
        "from study.__main__ import main\n"
        f"status = main(['check', {str(file)!r}])\n"
        f"heavy = {{{', '.join(map(repr, heavy))}}} & sys.modules.keys()\n"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr


def test_checking_imports_neither_ray_nor_mlflow() -> None:
    code = (
        "import sys\n"
        "from study.__main__ import main\n"
        f"status = main(['check', {str(QUICK)!r}, '--json'])\n"
        "heavy = {'ray', 'mlflow', 'optuna'} & sys.modules.keys()\n"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=120
    )
    assert json.loads(done.stdout)["study"] == "quickstart"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["chck"], "invalid choice: 'chck'"),
        (["check"], "the following arguments are required: CONFIG"),
        (["check", "a.yaml", "--sett", "a=1"], "unrecognized arguments: --sett a=1"),
        (["ui", "d", "--port", "many"], "argument --port: invalid int value: 'many'"),
        (["ui", "d", "--json"], "unrecognized arguments: --json"),
    ],
)
def test_wrong_arguments_exit_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_check_passes_what_comes_with_the_project(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert loading.load(path).config.study in out
    assert "estimate: " in out


def test_check_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(QUICK), "--json", "--set", "search.trials_per_arm=7", "--set", "replicas=2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["arms"][0]["search_trials"] == 3 * 7  # the quickstart searches each arm three times
    assert found["config"]["replicas"] == 2
    assert loading.build(found["config"]).config.search.trials_per_arm == 7


def test_check_says_what_the_study_can_find(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(QUICK), "--set", "search.repeats=5", "--detect", "0.2"]) == 0
    out = capsys.readouterr().out
    assert "a difference between the arms, of 5 repeats of 8 seeds each, is found 4 times in 5 (80 % power" in out
    assert "to find shares 20 points apart (40 and 60 %): " in out
    for repeats, units in ((1, ["replicas", "repeats"]), (3, ["repeats"])):
        assert main(["check", str(QUICK), "--json", "--detect", "0.2", "--set", f"search.repeats={repeats}"]) == 0
        power = json.loads(capsys.readouterr().out)["power"]
        assert (power["pairs"], power["asked"]) == (3, 0.2)
        assert [needed["units"] for needed in power["needed"]] == units


@pytest.mark.parametrize("detect", ["0", "1", "-0.2", "nan", "inf"])
def test_check_refuses_differences_that_there_are_not(detect: str, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, "check", QUICK, f"--detect={detect}")
    assert message == f"--detect: expected a number between 0 and 1, got {float(detect):g}"


def test_check_refuses_what_is_no_pilot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, "check", QUICK, "--pilot", tmp_path)
    assert message.startswith("--pilot: expected the folder of a record with confirmed replicas; ")
    assert "no record there" in message


def test_check_says_what_a_pilots_record_lacks(
    begun: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search, confirm = {"metric": "fid", "trials_per_arm": 2}, {"top": 1, "replicas": 3}
    folder = begun(tmp_path / "pilot", search=search, confirm=confirm)
    journal = Journal.open(folder)
    confirming = confirm_trial(
        loading.load(folder / "study.yaml").config, journal.state.trials["search", "hinge", 0, 0, 0]
    )
    of: dict[str, Any] = {"phase": "confirm", "arm": "hinge", "index": 0}
    scores = [0.1] * len(confirming.seeds)
    journal.append(confirming)
    for step in (10, 20):
        journal.append(Result(**of, step=step, wall_time=1.0, columns={"fid": scores}, seeds=confirming.seeds))
    ended = ["converged"] * len(scores)
    journal.append(Ended(**of, status="completed", message="", outcomes=ended, scores=scores))
    journal.close()
    build_record(folder)
    assert main(["check", str(QUICK), "--pilot", str(folder)]) == 0
    assert "could not be read" not in capsys.readouterr().err
    segment = sorted((folder / "ledger").glob("*.jsonl"))[-1]
    segment.write_bytes(segment.read_bytes().replace(b'"step": 10', b'"step": 11', 1))
    build_record(folder)
    assert main(["check", str(QUICK), "--pilot", str(folder)]) == 0
    note = "note: --pilot: 1 place of its ledger could not be read: what stood there is not in its record\n"
    assert note in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("sacrch.seed=1", "sacrch: unknown key; the nearest valid key is 'search'"),
        ("replicas=many", "replicas: expected a whole number, got 'many'"),
        ("replicas=0", "replicas: expected greater than or equal to 1, got 0"),
        ("scientific.objective=[hing]", "scientific.objective: unknown name 'hing'; did you mean 'hinge'? (arm hing)"),
        (
            "nuisance.instance_noise={uniform: [1, 0]}",
            "nuisance.instance_noise.uniform: expected low < high, got [1, 0]",
        ),
        (
            "nuisance.instance_noise={choice: []}",
            "nuisance.instance_noise.choice: expected a list of at least one value, got []",
        ),
        ("fixed.generator={hidden: [0]}", "fixed.generator.hidden: expected at least 1, got 0 (arm non_sat"),
        ("resources.cpu=4000", "resources.cpu: expected at most "),
        ("data={name: mnist, root: /nowhere}", "data.root: mnist is not under /nowhere"),
    ],
)
def test_check_refuses_bad_input(setting: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "check", QUICK, "--set", setting).startswith(message)


def test_a_conditional_model_needs_labels(capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, "check", QUICK, "--set", "data=gaussian", "--set", "fixed.model=cgan")
    assert message.startswith("fixed.model: expected gan, as 'gaussian' has no classes, got cgan (arm ")


def test_a_gpu_that_is_not_there_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    message = refused(capsys, "run", QUICK, "--set", "resources.gpu=0.5")
    assert message == "resources.gpu: expected at most 0, all that this machine has, got 0.5"


def test_a_run_goes_where_it_is_told(
    tmp_path: Path, runs: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(QUICK)]) == 0
    assert main(["run", str(QUICK), "--out", "elsewhere/deep", "--set", "study=other"]) == 0
    assert runs == [
        ("run", "quickstart", Path("studies/quickstart")),
        ("run", "other", Path("elsewhere/deep")),
    ]


def test_running_the_same_study_again_goes_on_with_it(tmp_path: Path, runs: list[tuple[Any, ...]]) -> None:
    folder = tmp_path / "s"
    for _ in range(2):
        assert main(["run", str(QUICK), "--out", str(folder)]) == 0
    assert runs[1] == ("resume", folder, ())


def test_a_folder_that_holds_something_else_is_refused(
    tmp_path: Path, runs: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "s"
    main(["run", str(QUICK), "--out", str(folder)])
    capsys.readouterr()
    message = refused(capsys, "run", QUICK, "--out", folder, "--set", "replicas=11")
    there = loading.load(QUICK).config.replicas
    said = f"--out: {folder} holds a study with other settings: replicas is {there} there, 11 here. Finished"
    assert message.startswith(said)
    assert message.endswith(
        f" trials were run with that: `ganstudy resume {folder}` goes on with it; run this as a study of its own, by"
        " --set study=NAME, or another --out"
    )
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").touch()
    message = refused(capsys, "run", QUICK, "--out", tmp_path / "letters")
    assert message.endswith("which holds a.txt")
    message = refused(capsys, "run", QUICK, "--out", tmp_path / "letters" / "a.txt")
    assert message.startswith("--out: expected a folder that can be written")
    assert len(runs) == 1


def test_a_folder_whose_study_was_extended_or_may_be_says_the_command_that_goes_on(
    tmp_path: Path, runs: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, more = tmp_path / "s", ("--set", "search.repeats=5", "--set", "search.trials_per_arm=7")
    main(["run", str(QUICK), "--out", str(folder), *more])
    main(["run", str(QUICK), "--out", str(tmp_path / "t")])
    capsys.readouterr()
    search = loading.load(QUICK).config.search
    apart = "search.repeats is 5 there, {0.repeats} here; search.trials_per_arm is 7 there, {0.trials_per_arm} here"
    assert refused(capsys, "run", QUICK, "--out", folder) == (
        f"--out: {folder} holds a study with other settings: {apart.format(search)}. It was extended:"
        f" `ganstudy resume {folder}` goes on with it"
    )
    message = refused(capsys, "run", QUICK, "--out", tmp_path / "t", *more)
    assert message.endswith(f"`ganstudy resume {tmp_path / 't'} --set KEY=VALUE` sets these")


def test_what_is_refused_is_not_said_to_begin_and_leaves_no_folder(
    begun: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = begun(tmp_path / "s")
    assert refused(capsys, "resume", folder, "--set", "budget.steps=800").startswith("budget.steps: ")
    written = (folder / "study.yaml").read_text()
    (folder / "study.yaml").write_text(written.replace("hinge", "minimax"))  # by hand, since its trials were planned
    assert refused(capsys, "resume", folder).startswith("scientific: expected every arm that the study has, under its")
    (folder / "study.yaml").write_text(written)
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setenv("RAY_ADDRESS", "nowhere")
    assert refused(capsys, "resume", folder).startswith("RAY_ADDRESS: expected HOST:PORT")
    assert refused(capsys, "run", QUICK, "--out", tmp_path / "new" / "deep").startswith("RAY_ADDRESS: expected ")
    assert not (tmp_path / "new").exists()


def test_resume_hands_on_what_extends_the_study(tmp_path: Path, runs: list[tuple[Any, ...]]) -> None:
    folder = tmp_path / "s"
    main(["run", str(QUICK), "--out", str(folder)])
    assert main(["resume", str(folder), "--set", "search.trials_per_arm=9"]) == 0
    assert runs[-1] == ("resume", folder, ["search.trials_per_arm=9"])
    assert main(["resume", str(folder), "--retry-failed"]) == 0
    assert runs[-1] == ("resume", folder, [], "again")


def test_a_folder_that_ray_will_delete_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "runtime_resources" / "working_dir_files" / "_ray_pkg_1" / "studies" / "quickstart"
    message = refused(capsys, "run", QUICK, "--out", folder)
    assert message.startswith("--out: expected a folder that stays, got")
    assert "give an absolute --out, or resources.storage" in message
    assert not folder.exists()


@pytest.mark.parametrize("storage", ["elsewhere", "ftp://host/x", "s3://key:hidden@bucket/x"])
def test_a_storage_that_is_none_is_refused(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, "check", QUICK, "--set", f"resources.storage={storage}")
    assert message.startswith("resources.storage: expected ")
    assert "hidden" not in message


@pytest.mark.parametrize("command", ["resume", "status", "report", "ui"])
def test_a_folder_without_a_study_is_refused(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for there, got in (("nowhere", "nothing there"), (".", "a folder without it"), ("file", "a file")):
        message = refused(capsys, command, tmp_path / there)
        assert message.endswith(f"expected a study folder, one that holds study.yaml, got {got}")


def test_machines_get_json_alone(
    tmp_path: Path, runs: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"study": "quickstart", "best": float("nan"), "folder": tmp_path}
    monkeypatch.setattr("study.command.study.status_of", lambda _: SimpleNamespace(to_dict=lambda: found))
    folder = str(tmp_path / "s")
    for arguments in (["run", str(QUICK), "--out", folder], ["resume", folder], ["status", folder]):
        assert main([*arguments, "--json"]) == 0
        out, _ = capsys.readouterr()
        assert json.loads(out) == {"study": "quickstart", "best": None, "folder": str(tmp_path)}
    assert len(runs) == 2


def test_report_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("study.command.report.write", lambda folder, *_: folder / "report.html")
    monkeypatch.setattr("study.command.report.deliver", lambda *_: 0)
    monkeypatch.setattr("study.config.loading.load", lambda *_: None)
    (tmp_path / "study.yaml").touch()
    assert main(["report", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'report.html'}\n"
    assert main(["report", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(tmp_path / "report.html")}


def test_the_page_is_served_on_loopback_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[dict[str, Any]] = []
    monkeypatch.setattr("study.tracking.serve", lambda folder, **where: served.append(where))
    (tmp_path / "study.yaml").touch()
    assert main(["ui", str(tmp_path)]) == 0
    assert main(["ui", str(tmp_path), "--host", "0.0.0.0", "--port", "5001"]) == 0
    assert served == [{"host": "127.0.0.1", "port": None}, {"host": "0.0.0.0", "port": 5001}]
    assert refused(capsys, "ui", tmp_path, "--port", "70000") == "--port: expected a number from 1 to 65535, got 70000"
    monkeypatch.undo()
    assert "expected mlflow.db" in refused(capsys, "ui", tmp_path)


def raising(error: BaseException) -> Callable[..., int]:
    def start(*_: Any) -> int:
        raise error

    return start


@pytest.mark.parametrize(
    ("error", "exit_status", "message"),
    [
        (StudyBusy(Path("s"), LockOwner("host", 7, 0.0)), 2, "by process 7 on host"),
        (KeyboardInterrupt(), 130, "interrupted; the same command goes on from what was done"),
        (OSError(28, "No space left on device", "s/ledger"), 1, "ganstudy: s/ledger: No space left on device"),
        (ConnectionError("no cluster there"), 1, "no cluster there"),
        (OSError(28, "No space left on device"), 1, "ganstudy: No space left on device\n"),
        (MemoryError(), 1, "ganstudy: more memory was needed than there is"),
    ],
)
def test_what_the_user_can_mend_is_one_message(
    error: BaseException,
    exit_status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(study, "run", SimpleNamespace(run_study=raising(error)), raising=False)
    assert main(["run", str(QUICK), "--out", str(tmp_path)]) == exit_status
    assert message in capsys.readouterr().err


def test_a_programming_error_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "run", SimpleNamespace(run_study=raising(KeyError("bug"))), raising=False)
    with pytest.raises(KeyError, match="bug"):
        main(["run", str(QUICK), "--out", str(tmp_path)])


def test_a_failed_study_exits_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "run", SimpleNamespace(run_study=lambda *_: 1), raising=False)
    assert main(["run", str(QUICK), "--out", str(tmp_path)]) == 1


def test_messages_are_printable_and_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.yaml").write_text('{"study": "\\x1b[31m\\ud800", "' + "x" * 9000 + '": 1}')
    message = refused(capsys, "check", tmp_path / "c.yaml")
    assert "\x1b" not in message
    assert len(message) < 5000


HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63 - 1, -(2**62), 10**18, -0.5, 1e300, 5e-324, "", "none", "../../etc", "\u202e\ud800",
    "\x00", "x" * 5000, "é" * 100, "__import__('os').system('true')", "d.__class__", "/dev/zero", "~nobody/x", [], [[]],
    [[[[[[]]]]]], {}, {"name": {}}, {"name": None}, {"name": "clip"}, {"name": "clip", "bound": -1}, {"name": "alpha"},
    {"name": "alpha", "alpha": 1e308}, {"log_uniform": [0, 1]}, {"log_uniform": [5e-324, 1e308]},
    {"uniform": [-1e308, 1e308]}, {"int_uniform": [1, 2**62]}, {"choice": []}, {"choice": [1, 1]},
    {"choice": [None, {}]}, {"uniform": [0, 1], "choice": [1]}, [None], [{}], [1, "a", None], ["x"] * 50,
    list(range(300)), {"a": {"b": {"c": {"d": {"e": {}}}}}}, {"": ""}, {"__class__": 1}, {"kind": "conv"},
    {"kind": "conv", "width": 10**9, "depth": 3}, {"hidden": []}, {"hidden": [10**18] * 3}, {"hidden": ["a"]},
    {"hidden": [128] * 200}, {"activation": "maxout", "pieces": 10**15}, {1: 2}, float("inf"), float("nan"), 10**40,
)  # fmt: skip
KEYS = (
    "",
    "é",
    "a.b",
    "__init__",
    "study",
    "foo",
    "name",
    "penalty",
    "latent_dim",
    "metric",
    "tail",
    "storage",
    "weights",
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path to something inside a nested value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*path, key)
        yield from places(below, (*path, key))


def spoilt(base: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A copy with one to three hostile values in random places, under known and unknown keys."""
    values = copy.deepcopy(base)
    for _ in range(chance.choice((1, 1, 2, 3))):
        *parents, last = chance.choice(list(places(values)))
        inner: Any = values
        for key in parents:
            inner = inner[key]
        if isinstance(inner, dict) and chance.random() < 0.2:
            last = chance.choice(KEYS)
        inner[last] = copy.deepcopy(chance.choice(HOSTILE))
    return values


@pytest.mark.parametrize("seed", range(10))
def test_hostile_configurations_are_refused_with_a_message(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(seed)
    bases = [loading.load(path).config.resolved() for path in (QUICK, ROOT / "configs" / "digits_cgan.yaml")]
    path, passed = tmp_path / "c.yaml", 0
    for _ in range(50):
        path.write_bytes(strict_yaml.dump(spoilt(chance.choice(bases), chance)).encode("utf-8", "surrogatepass"))
        exit_status = main(["check", str(path)])
        out, err = capsys.readouterr()
        assert exit_status in (0, 2), err
        passed += exit_status == 0
        if exit_status == 2:
            assert out == ""
            assert err.startswith("ganstudy: ")
            assert 20 < len(err) < 5000
    assert passed <= 10  # some mutations are no mistakes, such as another seed
