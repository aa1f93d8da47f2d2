"""Records from study folders, copies and MLflow's runs: fetched whole, or refused with one message and nothing kept."""

import errno
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pyarrow as pa
import pytest

from analysis.record.loading import load
from study.__main__ import main
from study.config import loading
from study.config.messages import ConfigError
from study.record.build import build_record
from study.record.sources import FILES, fetch
from study.tracking import Tracker, local, sync
from study.tracking.cursor import Cursor
from study.tracking.download import TRACKING
from study.tracking.server import free_port

pytestmark = pytest.mark.xdist_group("sources")


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """An MLflow database without runs: making one takes a second, copying it none."""
    from study.tracking.environment import prepare

    prepare()
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(scope="module")
def rings(begun, database, tmp_path_factory):
    """A study whose record and report are in MLflow, in its own folder's store."""
    folder = begun(tmp_path_factory.mktemp("rings") / "rings", study="rings")
    shutil.copy(database, folder / "mlflow.db")
    build_record(folder)
    assert sync(folder, loading.load(folder / "study.yaml").config) == 0
    return folder


@pytest.fixture
def copy(rings, tmp_path):
    """The two files of the record and nothing else."""
    return copied(rings, tmp_path / "copy")


def copied(folder, place):
    place.mkdir()
    for name in FILES:
        shutil.copy(folder / name, place)
    return place


def renamed(folder, name, retell):
    """Let the record in a folder be of a study of another name."""

    def column(table):
        values = pa.array([name] * len(table)).dictionary_encode().cast(table.schema.field("study").type)
        return table.set_column(0, table.schema.field("study"), values)

    retell(folder, '"rings"', f'"{name}"', column)
    return folder


def parent(folder):
    return f"runs:/{Cursor.load(folder).parent}"


def refused(capsys, out, *arguments):
    """The one message of a command that exits 2 and leaves nothing behind."""
    assert main(["report", *map(str, arguments), "--out", str(out)]) == 2
    printed, message = capsys.readouterr()
    assert printed == ""
    assert message.startswith("ganstudy: ")
    assert message.count("\n") == 1
    assert not out.exists()
    return message.removeprefix("ganstudy: ").rstrip("\n")


def test_a_folder_a_copy_and_a_run_give_the_same_record(rings, begun, copy, retell, tmp_path, monkeypatch):
    grids = begun(tmp_path / "grids", study="grids")
    renamed(copy, "from-elsewhere", retell)
    out = tmp_path / "out"
    monkeypatch.setenv(TRACKING, local.database_uri(rings))
    found = fetch([parent(rings), str(grids), str(copy)], out)
    assert [folder for folder, _ in found] == [out / "rings", out / "grids", out / "from-elsewhere"]
    assert [kept.about["study"] for _, kept in found] == ["rings", "grids", "from-elsewhere"]
    for folder, origin in zip((folder for folder, _ in found), (rings, grids, copy), strict=True):
        assert sorted(path.name for path in folder.iterdir()) == list(FILES)
        for name in FILES:
            assert (folder / name).read_bytes() == (origin / name).read_bytes()
    assert load(out / "grids", []).running  # its record was built, as that of a study under way is


def test_a_record_that_this_user_cannot_read_is_named(copy, tmp_path, monkeypatch, capsys):
    place, out = copy, tmp_path / "out"

    def refused(*_):
        raise PermissionError(errno.EACCES, "Permission denied", str(place / "trials.parquet"))

    monkeypatch.setattr(shutil, "copyfile", refused)
    assert main(["report", str(place), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert said.endswith(".parquet: expected a file that this user can read, got one that it cannot\n")
    assert not out.exists()


def test_a_newer_record_takes_the_formers_place_and_what_lies_beside_it_stays(rings, copy, tmp_path):
    out = tmp_path / "out"
    ((folder, before),) = fetch([str(copy)], out)
    (folder / "report").mkdir()
    (folder / "report" / "figure.pdf").touch()
    ((_, after),) = fetch([str(rings)], out)  # built anew
    assert after.about["build"] != before.about["build"]
    assert load(folder, []).about["build"] == after.about["build"]
    assert (folder / "report" / "figure.pdf").exists()


def test_what_was_fetched_is_a_source(copy, tmp_path):
    out = tmp_path / "out"
    fetch([str(copy)], out)
    ((folder, _),) = fetch([str(out / "rings")], out)
    assert folder == out / "rings"
    assert load(folder, []).about["study"] == "rings"


def test_one_source_that_is_refused_keeps_all_out(rings, begun, copy, tmp_path, capsys):
    other = begun(tmp_path / "other", study="other", outcomes={"hop_rate": 0.25})
    message = refused(capsys, tmp_path / "out", copy, other)
    assert message.startswith("outcomes.hop_rate: the joined studies differ, [0.2, 0.25]")
    out = tmp_path / "held"
    fetch([str(copy)], out)
    with pytest.raises(ConfigError, match="expected a study folder"):
        fetch([str(rings), str(tmp_path / "nowhere")], out)
    assert sorted(path.name for path in out.iterdir()) == ["rings"]


def test_sources_without_a_record_are_named(copy, tmp_path, capsys):
    out = tmp_path / "out"
    (copy / "trials.parquet").unlink()
    expected = "expected a study folder, or one that holds history.parquet and trials.parquet, got"
    assert refused(capsys, out, copy) == f"{copy}: {expected} a folder without trials.parquet"
    assert refused(capsys, out, tmp_path / "nowhere") == f"{tmp_path / 'nowhere'}: {expected} nothing there"
    assert refused(capsys, out, copy / "history.parquet").endswith("got a file")


def test_a_record_that_is_not_whole_is_named_by_its_source(rings, copy, tmp_path, capsys):
    out = tmp_path / "out"
    (copy / "trials.parquet").write_bytes(b"torn")
    assert refused(capsys, out, copy).startswith(f"{copy}: its record cannot be used: ")
    build_record(rings)
    shutil.copy(rings / "trials.parquet", copy)
    message = refused(capsys, out, copy)
    assert message.startswith(f"{copy}: its record cannot be used: history.parquet and trials.parquet are of different")
    assert str(out) not in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '"steps": 20',
            '"steps": "20"',
            "/trials.parquet: metadata: config.budget.steps: expected a whole number ≥ 1, got",
        ),
        ('"tail": 0.4', '"tail": 4.0', "config.outcomes.tail: expected a share in [0, 1], got 4.0"),
    ],
)
def test_a_wrong_value_in_a_records_metadata_is_named(copy, retell, tmp_path, capsys, old, new, said):
    retell(copy, old, new)
    assert said.removeprefix("/trials.parquet: ") in refused(capsys, tmp_path / "out", copy)
    assert main(["export", str(copy), "--csv", "--out", str(tmp_path / "tables")]) == 2
    assert said.replace("/trials", "/history") in capsys.readouterr().err
    assert not (tmp_path / "tables").exists()


def test_a_study_must_not_stand_twice(rings, copy, tmp_path, capsys):
    message = refused(capsys, tmp_path / "out", rings, copy)
    assert message == "join: studies that stand twice: rings; give each a name of its own"


@pytest.mark.parametrize("name", ["../escaped", "", "a/b", "x" * 65])
def test_a_name_that_no_study_may_have_names_no_folder(name, copy, retell, tmp_path, capsys):
    renamed(copy, name, retell)
    message = refused(capsys, tmp_path / "out", copy)
    assert f"{copy}: expected the record of one study with a study's name, got '{name}'" in message


def test_a_study_cannot_take_the_reports_place(copy, retell, tmp_path, capsys):
    message = refused(capsys, tmp_path / "out", renamed(copy, "report", retell))
    assert message == f"{copy}: a study named report cannot stand beside the folder 'report'"


def test_a_record_of_which_one_study_is_not_the_one_it_says_is_refused(copy, retell, tmp_path, capsys):
    retell(copy, '"study": "rings"', '"study": "grids"')
    assert refused(capsys, tmp_path / "out", copy).endswith("with a study's name, got 'grids', 'rings'")


def test_studies_of_other_settings_and_metrics_are_joined(rings, begun, tmp_path):
    nuisance, search = {"critic_lr": {"log_uniform": [1e-4, 1e-2]}}, {"metric": "fid"}
    other = begun(tmp_path / "other", study="other", nuisance=nuisance, search=search)
    assert len(fetch([str(rings), str(other)], tmp_path / "out")) == 2


def test_studies_judged_by_different_rules_are_not_joined(rings, copy, retell, tmp_path, capsys):
    renamed(copy, "grids", retell)
    retell(copy, '"hop_rate": 0.2', '"hop_rate": 0.25')
    message = refused(capsys, tmp_path / "out", rings, copy)
    assert message.startswith("outcomes.hop_rate: the joined studies differ, [0.2, 0.25]")


@pytest.mark.parametrize("place", ["study.yaml", "notes/thesis.tex"])
def test_a_folder_with_other_things_in_it_is_left_alone(place, copy, tmp_path):
    out = tmp_path / "out"
    (out / place).parent.mkdir(parents=True)
    (out / place).touch()
    with pytest.raises(ConfigError, match=f"--out: expected a new folder.*which holds {place.split('/')[0]}"):
        fetch([str(copy)], out)
    assert [path.name for path in out.iterdir()] == [place.split("/")[0]]
    with pytest.raises(ConfigError, match=r"--out: expected a folder, got .*, a file"):
        fetch([str(copy)], copy / "history.parquet")


def test_what_a_killed_fetch_left_is_cleared_away(copy, tmp_path):
    out = tmp_path / "out"
    (out / ".partial" / "0").mkdir(parents=True)
    (out / ".partial" / "0" / "history.parquet").touch()
    fetch([str(copy)], out)
    assert [path.name for path in out.iterdir()] == ["rings"]


def test_a_run_that_is_not_there_is_named(rings, tmp_path, capsys):
    address = local.database_uri(rings)
    message = refused(capsys, tmp_path / "out", "runs:/0123456789abcdef", "--tracking", address)
    assert message.startswith(f"runs:/0123456789abcdef: expected a run that MLflow at {address} knows, got: ")
    message = refused(capsys, tmp_path / "out", f"{parent(rings)}/report", "--tracking", address)
    assert "expected a run that MLflow at" in message


def test_a_trials_run_leads_to_its_studys(rings, tmp_path, capsys):
    from mlflow import MlflowClient

    client = MlflowClient(local.database_uri(rings))
    runs = client.search_runs([client.get_experiment_by_name("rings").experiment_id])
    trial = next(run.info.run_id for run in runs if run.info.run_name.startswith("search-"))
    message = refused(capsys, tmp_path / "out", f"runs:/{trial}", "--tracking", local.database_uri(rings))
    assert message == f"runs:/{trial}: expected the run of a study, got that of a trial; its study's is {parent(rings)}"


def test_a_run_of_a_study_under_way_has_no_record_yet(begun, database, tmp_path, capsys):
    folder = begun(tmp_path / "busy", study="busy")
    shutil.copy(database, folder / "mlflow.db")
    tracker = Tracker(folder, loading.load(folder / "study.yaml").config)
    tracker.start()
    assert tracker.drain(60) == 0
    tracker.close()
    message = refused(capsys, tmp_path / "out", parent(folder), "--tracking", local.database_uri(folder))
    assert message.endswith(
        "expected a run with a study's record, got one without history.parquet and trials.parquet as the study still"
        " runs; it is logged at its end"
    )


def test_without_an_address_nothing_is_guessed(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv(TRACKING, raising=False)
    monkeypatch.chdir(tmp_path)
    assert "expected --tracking URI or MLFLOW_TRACKING_URI" in refused(capsys, tmp_path / "out", "runs:/abc")
    message = refused(capsys, tmp_path / "out", "runs:/abc", "--tracking", "sqlite:///mlflow.db")
    assert message == "runs:/abc: expected MLflow's database at mlflow.db, got nothing there"
    assert not (tmp_path / "mlflow.db").exists()


def failed(capsys, out, address):
    assert main(["report", "runs:/abc", "--out", str(out), "--tracking", address]) == 1
    printed, message = capsys.readouterr()
    assert printed == ""
    assert message.startswith("ganstudy: runs:/abc: MLflow at ")
    assert message.count("\n") == 1
    assert "hunter2" not in message
    assert not out.exists()
    return message


@pytest.mark.parametrize("secret", ["hunter2", "hunter2/half"])
def test_a_server_that_does_not_answer_fails_without_its_secret(secret, tmp_path, capsys):
    port = free_port()
    message = failed(capsys, tmp_path / "out", f"http://someone:{secret}@127.0.0.1:{port}")
    assert f"MLflow at http://***@127.0.0.1:{port} could not be read: " in message


def test_a_server_that_is_not_mlflow_or_refuses_fails(tmp_path, capsys):
    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(401)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        message = failed(capsys, tmp_path / "out", f"http://someone:hunter2@127.0.0.1:{server.server_port}")
        server.shutdown()
    assert "401" in message


def test_a_file_that_is_no_database_fails(copy, tmp_path, capsys):
    message = failed(capsys, tmp_path / "out", f"sqlite:///{copy / 'trials.parquet'}")
    assert "file is not a database" in message
