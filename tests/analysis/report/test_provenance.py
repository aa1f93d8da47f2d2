"""What is said of how studies differ that were joined."""

from types import SimpleNamespace

from analysis.report import provenance


def test_a_record_from_before_a_setting_does_not_differ_in_it():
    def said(*budgets):
        studies = [{"study": f"s{place}", "config": {"budget": one}} for place, one in enumerate(budgets)]
        return provenance.joining(SimpleNamespace(about={"joined": studies}))[-1]

    updates, samples = ({"name": "updates", "per_step": None}, {"name": "samples", "per_step": 64.0})
    assert "differ not in their arms alone" not in said({"steps": 10}, {"steps": 10, "equal": updates})
    assert "also in budget.equal: so may" in said({"steps": 10}, {"steps": 10, "equal": samples})
