import json
from pathlib import Path

from study.tracking.arms import NONE_YET, Summary
from study.tracking.notes import LONGEST, of_arm, of_study

HINGE = Summary(
    "hinge",
    1.0,
    2,
    {"trials": 2.0},
    {"phase": "confirm", "result": "median fid 1", "best": "search-hinge-0001", "best.generator_lr": "0.0030745712",
     "best.penalty": "r1", "confirmed": "confirm-hinge-0001"},
)  # fmt: skip
OTHER = Summary("wasserstein", 1.0, 1, {"trials": 1.0}, {"phase": "confirm", "result": NONE_YET})
PAGE = "?workflowType=machine_learning"
ANSWER = {"question": "Which trains best?", "found": ["hinge did.", "By far."], "caveats": ["Of 2 seeds."], "ended": 3}


def report(folder: Path, **changes: object) -> None:
    (folder / "report").mkdir(exist_ok=True)
    (folder / "report" / "answer.json").write_text(json.dumps({**ANSWER, **changes}))


def test_a_study_says_what_its_report_answers_and_where_that_is(tmp_path: Path) -> None:
    report(tmp_path)
    note = of_study(tmp_path, [HINGE, OTHER], {"hinge": "h1", "wasserstein": "w1"}, "7", "p1")
    assert note.startswith("- hinge did.\n- By far.\n\n| arm | result | trials |\n|---|---|---|\n")
    assert f"| [hinge](#/experiments/7/runs/h1{PAGE}) | median fid 1 | 2 |\n" in note
    assert f"[report](#/experiments/7/runs/p1/artifacts/report/index.html{PAGE}) on 3 trials that had ended." in note
    assert f"`{tmp_path}/report/index.html`" in note
    assert note.endswith("*Which trains best?*\n\n- Of 2 seeds.")


def test_an_answer_that_more_trials_may_change_says_so(tmp_path: Path) -> None:
    report(tmp_path, ended=2)
    note = of_study(tmp_path, [HINGE, OTHER], {}, "7", "p1")
    assert "on 2 trials that had ended; 3 have by now, and `ganstudy report` renews it." in note


def test_without_a_report_there_are_the_arms_and_the_way_to_one(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "answer.json").write_text("[")
    note = of_study(tmp_path, [HINGE], {"hinge": "h1"}, "7", "p1")
    assert note.startswith("| arm | result | trials |")
    assert note.endswith(f"`ganstudy report {tmp_path}` writes the report, and its answer here.")


def test_a_description_ends_with_a_whole_line(tmp_path: Path) -> None:
    report(tmp_path, caveats=[f"{place} " + 90 * "x" for place in range(200)])
    note = of_study(tmp_path, [HINGE], {}, "7", "p1")
    assert len(note) < LONGEST + 10
    assert note.endswith("x\n\n…")


def test_an_arm_says_its_result_its_best_trial_and_leads_to_its_trials() -> None:
    assert of_arm(HINGE, "7") == (
        "On fresh seeds: median fid 1.\n\n"
        "Best trial of the search: `search-hinge-0001` (generator_lr 0.00307, penalty r1).\n\n"
        "Confirmed: `confirm-hinge-0001`.\n\n"
        "[Its trials](#/experiments/7/runs?workflowType=machine_learning"
        "&searchFilter=tags.arm+%3D+%27hinge%27+and+tags.level+%3D+%27trial%27)"
    )
