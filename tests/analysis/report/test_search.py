"""What the page says of hyperparameters whose importance was not estimated."""

from types import SimpleNamespace

from analysis.report import search


def test_arms_of_which_the_same_was_not_estimated_are_named_together(words):
    few, alike = "3 configurations are too few", "all converged"
    notes = {("a", "stability"): few, ("a", "quality"): few, ("b", "stability"): few, ("b", "quality"): few}
    notes |= {("c", "quality"): few, ("c", "stability"): alike}
    of_arms = [
        SimpleNamespace(arm=arm, response=response, note=note, importances=(), r2=None)
        for (arm, response), note in notes.items()
    ]
    section = search.sensitivity(SimpleNamespace(sensitivity=of_arms, record=SimpleNamespace(about={})), writer=None)
    assert words(section.markup) == (
        f"What matters within an arm Not estimated, as {few}: a and b (not diverging and quality); c (quality). Not"
        f" estimated, as {alike}: c (not diverging)."
    )
