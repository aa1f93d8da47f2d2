from dataclasses import replace

from analysis import report
from analysis.report.answer import answer
from analysis.report.factor_words import claim, sentences


def test_what_is_told_is_said_with_the_better_level_first(crossing):
    assert [one.replace("\u00a0", " ") for one in sentences(crossing)] == [
        "Averaged over the other factor, levels are told apart by how often replicas converged: objective hinge more"
        " often than wasserstein by 30 [20, 40] percentage points (p = 0.010).",
        "A level does not do the same beside all others: penalty r1 instead of none adds 40 [30, 50] percentage points"
        " more beside objective hinge than beside wasserstein (p = 0.020). No average is what it does beside each.",
        "Averaged over the other factor too, levels are told apart by quality (Fréchet distance): penalty none is"
        " better than r1 with probability 70 % [60 %, 80 %] (p = 0.001).",
    ]


def test_what_is_not_told_is_not_called_nothing(crossing):
    dull = replace(crossing, alpha=0.0001, quality=(), levels=crossing.levels | {"packing": ("1", "2")})
    assert sentences(dull) == [
        "Averaged over the other factors, no level of a factor is told from another by how often replicas converged.",
        "Whether a level does more beside one level of another factor than beside the next cannot be told.",
    ]


def test_an_answer_has_what_is_told_as_a_mean_and_not_of_two_arms(crossing):
    assert [one.replace("\u00a0", " ") for one in claim(crossing)] == [
        "As means over the other factor, not as differences of two arms, levels are told apart by how often replicas"
        " converged: objective hinge more often than wasserstein by 30 [20, 40] percentage points (p = 0.010); and by"
        " quality (Fréchet distance): penalty none is better than r1 with probability 70 % [60 %, 80 %] (p = 0.001).",
        "A level does not do the same beside all others: penalty r1 instead of none adds 40 [30, 50] percentage points"
        " more beside objective hinge than beside wasserstein (p = 0.020).",
    ]
    assert claim(replace(crossing, alpha=0.0001)) == []
    (alone,) = claim(replace(crossing, differences=(), quality=()))
    assert alone.endswith("(p\u00a0=\u00a00.010).")


def test_that_no_two_arms_are_told_apart_is_not_said_without_the_factor_that_is(crossed):
    findings = report.find(crossed)
    two = {name: replace(one, pairs=tuple(replace(pair, p_holm=0.3) for pair in one.pairs))
           for name, one in findings.rates.items()}  # fmt: skip
    quality = replace(findings.measured[0].comparison, alpha=0.0)
    untold = {
        "rates": two, "measured": (replace(findings.measured[0], comparison=quality),),
        "survival": tuple(replace(one, comparison=replace(one.comparison, alpha=0.0)) for one in findings.survival),
    }  # fmt: skip
    plain = answer(replace(findings, **untold, crossing=replace(findings.crossing, alpha=0.0)))
    assert any(one.startswith("These data do not suffice to tell any two arms apart: 3") for one in plain.caveats)
    assert not any("levels are told apart" in one for one in plain.found)

    told = answer(replace(findings, **untold, crossing=replace(findings.crossing, alpha=1.0)))
    assert any(one.startswith("As means over the other factor, not as differences of two") for one in told.found)
    lead = (
        "These data tell levels of a factor apart, as means over several arms, but do not suffice to tell any two arms"
    )
    assert any(one.startswith(lead) for one in told.caveats)
    assert not any(one.startswith("These data do not suffice") for one in told.caveats)
