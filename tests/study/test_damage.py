"""Ledgers whose lines have a right checksum and a wrong content: nothing raises, and what is whole is kept.

The lines of 32 shapes, and any other that Hypothesis thinks of, stand among those of a small study; `status`, the
record, tracking's batches, the rungs of early stopping and the search then see the study without them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.record.loading import load
from analysis.results.outcomes import judge_record
from analysis.results.selection import select
from analysis.results.threshold_table import threshold_table
from study.config import loading
from study.config.plan import StudyPlan
from study.ledger.entries import to_json
from study.ledger.ledger import damaged, encode, entries, segments
from study.ledger.state import StudyState
from study.progress.status import status
from study.record.build import build_record
from study.search.repeat import rebuilt
from study.search.scheduler import StudyScheduler
from study.tracking.batch import Attempts, gather
from study.tracking.newest_session import NewestSession

Begun = Callable[..., Path]
TRIAL = {"time": 2.0, "phase": "search", "arm": "hinge", "index": 7, "trial_id": "search-hinge-0007"}
PLANNED = {"kind": "planned", **TRIAL, "config": {"generator_lr": 1e-3, "critic_steps": 1}, "spec": {}, "seeds": [0, 1]}
RESULT = {"kind": "result", **TRIAL, "seeds": [0, 1], "step": 5, "wall_time": 1.0, "columns": {"fid": [1.0, 2.0]}}
ENDED = {"kind": "ended", **TRIAL, "status": "completed", "outcomes": ["converged"] * 2, "scores": [1.0, 2.0]}


def line(content: Any) -> bytes:
    """A line with a right checksum; bytes stand in it as they are."""
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def without(entry: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != name}


SHAPES: dict[str, Any] = {
    "a list": [1, 2],
    "a number": 3,
    "null": None,
    "a text": "planned",
    "no kind": without(PLANNED, "kind"),
    "a kind that is a number": {**PLANNED, "kind": 3},
    "no columns": without(RESULT, "columns"),
    "no seeds": without(RESULT, "seeds"),
    "a plan without seeds": without(PLANNED, "seeds"),
    "no status": without(ENDED, "status"),
    "a session without config": {"kind": "session", "time": 2.0},
    "a floor without values": {"kind": "floor", "time": 2.0},
    "no spec": without(PLANNED, "spec"),
    "no config": without(PLANNED, "config"),
    "no trial_id": without(RESULT, "trial_id"),
    "no phase": without(ENDED, "phase"),
    "no time": without(PLANNED, "time"),
    "text for a number": {**RESULT, "columns": {"fid": ["low", 2.0]}},
    "text for a step": {**RESULT, "step": "5"},
    "text for a time": {**PLANNED, "time": "now"},
    "text for the floor": {"kind": "floor", "time": 2.0, "values": {"fid": "low"}},
    "text for the floor's spread": {"kind": "floor", "time": 2.0, "values": {"fid": 0.1}, "spread": {"fid": "wide"}},
    "text for scores": {**ENDED, "scores": ["low", "high"]},
    "columns of another length": {**RESULT, "columns": {"fid": [1.0, 2.0, 3.0]}},
    "columns that are a number": {**RESULT, "columns": {"fid": 1.0}},
    "nested 100,000 deep": b'{"kind": "planned", "spec": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a number of 10,000 digits": b'{"kind": "result", "step": ' + b"9" * 10_000 + b"}",
    "no UTF-8": b'{"kind": "ended", "message": "\xff\xfe"}',
    "half a surrogate pair": b'{"kind": "ended", "message": "\\ud800"}',
    "a negative step": {**RESULT, "step": -5},
    "a diverged step below 0": {**RESULT, "columns": {"diverged_step": [-5, None]}},
    "counts of different lengths": {**RESULT, "columns": {"mode_histogram": [[1], [1, 2]]}},
    "counts of no mode": {**RESULT, "columns": {"mode_histogram": [[], []]}},
    "a score of 400 digits": b'{"kind": "ended", "time": 2.0, "phase": "search", "arm": "hinge", "index": 7,'
    b' "trial_id": "search-hinge-0007", "status": "completed", "outcomes": [], "scores": [1' + b"0" * 400 + b", 1]}",
    "a wall time of 400 digits": b'{"kind": "result", "time": 2.0, "phase": "search", "arm": "hinge", "index": 7,'
    b' "trial_id": "search-hinge-0007", "seeds": [0, 1], "step": 5, "columns": {}, "wall_time": 1' + b"0" * 400 + b"}",
    "true for an index": {**PLANNED, "index": True},
    "an endless time": b'{"kind": "session", "time": Infinity, "config": {}}',
    "another trial's name": {**PLANNED, "trial_id": "../../escaped"},
}


def look(folder: Path, plan: StudyPlan) -> dict[str, Any]:
    """What every reader of a ledger makes of it; raises what one of them raises."""
    found = status(folder).to_dict()
    written = build_record(folder)
    record = load(folder)
    assert gather((entry for _, entry in entries(folder)), Attempts(), {}, NewestSession().higher)
    StudyScheduler(plan, (entry for _, entry in entries(folder)))
    state = StudyState.replay(folder)
    for arm in plan.arms:
        rebuilt(plan, arm, state, 0)
    assert found["damaged"] == written.damage.count == record.about["damaged"]
    return {"status": found, "trials": record.trials, "history": record.history, "damage": written.damage}


@pytest.fixture(scope="module")
def whole(begun: Begun, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyPlan, dict[str, Any]]:
    folder = begun(tmp_path_factory.mktemp("damage") / "study", scheduler={"name": "asha"})
    plan = loading.load(folder / loading.STUDY_FILE)
    return folder, plan, look(folder, plan)


def rewritten(folder: Path, *lines: bytes) -> None:
    """Put lines into a segment of their own, behind the study's."""
    (folder / "ledger" / "0002.jsonl").write_bytes(b"".join(lines))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_line_of_another_shape_is_damaged_and_named(
    whole: tuple[Path, StudyPlan, dict[str, Any]], shape: str
) -> None:
    folder, plan, before = whole
    rewritten(folder, line(SHAPES[shape]))
    after = look(folder, plan)
    assert after["trials"].equals(before["trials"])
    assert after["history"].equals(before["history"])
    assert without(after["status"], "damaged")["trials"] == before["status"]["trials"]
    [place] = after["status"]["damage"]
    assert place.startswith("0002.jsonl, line 1: ")
    assert len(place) < 500


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
WHOLE = [
    PLANNED,
    RESULT,
    ENDED,
    {"kind": "session", "time": 2.0, "config": {}},
    {"kind": "floor", "time": 2.0, "values": {}},
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An entry with some fields changed, dropped or added, at any depth."""
    entry = json.loads(json.dumps(draw(st.sampled_from(WHOLE))))
    for _ in range(draw(st.integers(0, 3))):
        inside = entry
        while True:
            name = draw(st.sampled_from([*inside, "new"]) if inside else st.just("new"))
            if isinstance(inside.get(name), dict) and draw(st.booleans()):
                inside = inside[name]
                continue
            break
        if draw(st.booleans()):
            inside[name] = draw(values)
        else:
            inside.pop(name, None)
    return line(entry)


@pytest.mark.property
@given(st.lists(mutated() | st.binary(max_size=40).map(line), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_ledger_the_whole_trials_stay(
    whole: tuple[Path, StudyPlan, dict[str, Any]], lines: list[bytes]
) -> None:
    folder, plan, before = whole
    rewritten(folder, *lines)
    after = look(folder, plan)
    for table in ("trials", "history"):
        ours = (
            before[table].columns.drop(["study"])
            if table == "history"
            else ["arm", "trial_id", "seed", "status", "fid"]
        )
        ours = [name for name in ours if not str(name).startswith("floor")]
        kept = after[table][after[table]["trial_id"].isin(before[table]["trial_id"].unique())]
        was, now = (found[ours].reset_index(drop=True).astype(str) for found in (before[table], kept))
        assert now.equals(was)


def test_an_ending_without_plan_and_result_is_named_and_the_others_are_kept(
    whole: tuple[Path, StudyPlan, dict[str, Any]],
) -> None:
    folder, plan, before = whole
    rewritten(folder, line(ENDED))
    after = look(folder, plan)
    assert after["trials"].equals(before["trials"])
    assert after["status"]["damage"] == ["search-hinge-0007: ended, but neither its plan nor a result can be read"]


def test_an_ending_of_another_number_of_replicas_is_damaged(whole: tuple[Path, StudyPlan, dict[str, Any]]) -> None:
    folder, plan, _ = whole
    rewritten(folder, line(PLANNED), line({**ENDED, "outcomes": ["converged"] * 3}))
    after = look(folder, plan)
    assert after["status"]["damage"] == ["0002.jsonl, line 2: outcomes: expected one for each of 2 seeds, got 3"]
    assert set(after["trials"].set_index("trial_id").loc["search-hinge-0007", "status"]) == {"running"}


def test_segments_out_of_order_lose_no_row(begun: Begun, tmp_path: Path) -> None:
    folder = begun(tmp_path / "study")
    plan = loading.load(folder / loading.STUDY_FILE)
    before = look(folder, plan)
    [(_, path)] = segments(folder)
    told = [entry for _, entry in entries(folder)]
    path.unlink()
    pieces = [told[:2], [e for e in told[2:] if e.kind == "ended"], [e for e in told[2:] if e.kind == "result"]]
    pieces.append([e for e in told[2:] if e.kind == "planned"])
    for number, piece in enumerate(pieces, 1):
        (folder / "ledger" / f"{number:04d}.jsonl").write_bytes(b"".join(map(encode, piece)))
    after = look(folder, plan)
    assert after["damage"].count == 0
    for table in ("trials", "history"):
        was, now = (
            found[table]
            .sort_values([*{"trial_id", "seed", "step"} & {*found[table]}])
            .reset_index(drop=True)
            .drop(columns="started", errors="ignore")
            for found in (before, after)
        )
        assert now.astype(str).equals(was.astype(str))


def test_a_missing_segment_is_named(begun: Begun, tmp_path: Path) -> None:
    folder = begun(tmp_path / "study")
    [(_, path)] = segments(folder)
    path.rename(path.with_name("0003.jsonl"))
    assert [*map(str, damaged(folder).places)] == ["0001.jsonl: missing, up to 0002.jsonl"]
    assert status(folder).damaged == 1


@pytest.mark.parametrize("kind", ["folder", "link", "second name"])
def test_what_only_looks_like_a_segment_is_named_and_not_read(begun: Begun, tmp_path: Path, kind: str) -> None:
    folder = begun(tmp_path / "study")
    [(_, first)] = segments(folder)
    before = list(entries(folder))
    path = first.with_name("00001.jsonl" if kind == "second name" else "0002.jsonl")
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(first)
    else:
        path.write_bytes(first.read_bytes())
    said = [f"ledger/{path.name} is no segment's name, or no regular file, and is not read"]
    assert [*map(str, damaged(folder).places)] == said
    assert list(entries(folder)) == before
    assert build_record(folder).damage.count == status(folder).damaged == 1


def test_a_floor_that_is_a_list_is_left_out(begun: Begun, tmp_path: Path) -> None:
    folder = begun(tmp_path / "study")
    rewritten(folder, line({"kind": "floor", "time": 2.0, "values": {"fid": [1.0, 2.0], "kid": 0.5}}))
    build_record(folder)
    assert load(folder).trials["floor.kid"].unique().tolist() == [0.5]
    assert load(folder).trials["floor.fid"].isna().all()


def test_a_trial_that_lost_every_evaluation_costs_no_other_its_verdict(begun: Begun, tmp_path: Path) -> None:
    folder = begun(tmp_path / "study")
    [(_, path)] = segments(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    lost = [b"x" + row if b'"kind": "result"' in row and b'"search-hinge-0000"' in row else row for row in lines]
    path.write_bytes(b"".join(lost))
    build_record(folder)
    judged = judge_record(load(folder))
    assert judged["outcome"].notna().groupby(load(folder).trials["trial_id"], observed=True).all().to_dict() == {
        "search-hinge-0000": False,
        "search-hinge-0001": True,
        "search-non_saturating-0000": False,
    }
    table = threshold_table(select(load(folder), "search"))
    assert set(table.table["n"]) == {2}


def test_a_damaged_first_line_does_not_rename_the_study(begun: Begun, tmp_path: Path) -> None:
    folder = begun(tmp_path / "elsewhere", study="rings")
    [(_, path)] = segments(folder)
    path.write_bytes(b"x" + path.read_bytes())
    written = build_record(folder)
    assert (written.damage.count, str(written.damage.places[0])) == (
        1,
        "0001.jsonl, line 1: torn, or its checksum does not fit",
    )
    record = load(folder)
    assert (record.about["study"], set(record.trials["study"])) == ("rings", {"rings"})
    assert record.about["config"]["replicas"] == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"outcomes": {"modes": "all"}},
        {"outcomes": {"metric": "nope"}},
        {"outcomes": {"metric": "mode_histogram"}},
        {"outcomes": 3},
        {"search": 3},
        {"search": {"metric": 3}},
        {"search": {"metric": []}},
        {"scientific": 5},
        {"scientific": {"objective": 5}},
        {"nuisance": [1]},
        {"resources": 1},
    ],
)
def test_a_configuration_of_no_use_gives_way_to_the_studys_file(
    begun: Begun, tmp_path: Path, caplog: pytest.LogCaptureFixture, settings: dict[str, Any]
) -> None:
    folder = begun(tmp_path / "study")
    rewritten(folder, line({"kind": "session", "time": 2.0, "config": {"study": "tiny", **settings}}))
    build_record(folder)
    assert load(folder).about["config"] == loading.load(folder / loading.STUDY_FILE).config.resolved()
    assert "the configuration in the ledger is of no use, study.yaml's is taken" in caplog.text


def test_a_plan_that_is_damaged_is_said_to_be(begun: Begun, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = begun(tmp_path / "study")
    plan = loading.load(folder / loading.STUDY_FILE)
    [(_, path)] = segments(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    kinds = [to_json(entry)["kind"] for _, entry in entries(folder)]
    first = kinds.index("planned")
    lines[first] = lines[first].replace(b'"planned"', b'"plonned"')
    path.write_bytes(b"".join(lines))
    state = StudyState.replay(folder)
    assert state.damage.sentence() == (
        "1 place of the ledger unreadable, skipped: 0001.jsonl, line 3: torn, or its checksum does not fit"
        " (it names search-hinge-0000)"
    )
    [hinge] = [arm for arm in plan.arms if arm.name == "hinge"]
    rebuilt(plan, hinge, state, 0)
    assert "the ledger has no readable plan of trial 0" in caplog.text
    assert "Optuna" not in caplog.text
