import numpy as np
import pytest

from analysis.record.schema import OUTCOMES
from analysis.results import survival
from analysis.statistics.intervals import Interval
from analysis.wording import (
    DID,
    EVENTS,
    MET,
    OUTCOME_MEANINGS,
    bounds_nothing,
    counted,
    duration,
    event_named,
    frechet_in,
    listed,
    log_scaled,
    named,
    number,
    p_value,
    percent,
    points,
    setting,
    spelled,
    spoken,
    spoken_points,
    spoken_share,
    too_few,
    whole,
)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50 %"),
        (0.001, "< 1 %"),
        (0.999, "> 99 %"),
        (float("nan"), "–"),
        (0.994, "99 %"),
        (-0.3, "−30 %"),
        (-0.001, "> −1 %"),
    ],
)
def test_shares_are_never_rounded_to_certainty(share, words):
    assert percent(share).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("p", "words"), [(0.0004, "< 0.001"), (0.0123, "0.012"), (0.21, "0.21"), (1, "1.00"), (float("nan"), "–")]
)
def test_p_values(p, words):
    assert p_value(p).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("quantity", "ends", "nothing"),
    [
        ("points", (-1.0, 1.0), True),
        ("points", (-1.0, 0.99), False),
        ("points", (-np.inf, np.inf), True),
        ("ratio", (0.0, np.inf), True),
        ("ratio", (0.01, np.inf), False),
        ("ratio", (0.0, 7.0), False),
        ("difference", (-np.inf, np.inf), True),
        ("difference", (0.0, np.inf), False),  # it is not below 0
        ("difference", (np.nan, np.nan), False),
    ],
)
def test_an_interval_bounds_nothing_if_it_holds_all_that_there_can_be(quantity, ends, nothing):
    found = Interval(0.5, *ends, 16, "by hand", "seeds")
    assert bounds_nothing(found, quantity) == nothing


def test_intervals_have_both_ends():
    interval = Interval(0.5, 0.25, 0.75, 16, "by hand", "seeds")
    assert spoken(interval) == "0.50 [0.25, 0.75]"
    assert spoken_share(interval).replace("\u00a0", " ") == "50 % [25 %, 75 %]"
    points = Interval(0.311, -0.052, 0.6, 16, "by hand", "seeds")
    assert spoken_points(points).replace("\u00a0", " ") == "31 [−5, 60] percentage points"


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.8791, 0.4931, 1.6101), "0.88 [0.49, 1.61]"),  # .386 to the shorter side: two places
        ((0.063612, 0.060104, 0.084513), "0.0636 [0.0601, 0.0845]"),
        ((0.12103, 0.02664, 1.1234), "0.121 [0.027, 1.12]"),
        ((-0.000419, -0.0161, 0.0101), "0.000 [−0.016, 0.010]"),
        ((0.001, 0.00005, 0.5), "0.00100 [5·10⁻⁵, 0.500]"),
        ((5321.0, 4800.0, 6012.0), "5\u202f320 [4\u202f800, 6\u202f010]"),
        ((30.0, 29.9, 30.1), "30.0 [29.9, 30.1]"),
        ((1.0, 1.0, 1.0), "1.00 [1.00, 1.00]"),
        ((0.0, 0.0, 0.0625), "0 [0, 0.062]"),
        ((2.0, 1.5, np.inf), "2.00 [1.50, ∞]"),
        ((3.2e-7, 2.9e-7, 4.1e-7), "3.20·10⁻⁷ [2.90·10⁻⁷, 4.10·10⁻⁷]"),
        ((2.43e6, 1.2e6, 9.9e6), "2.4·10⁶ [1.2·10⁶, 9.9·10⁶]"),
        ((0.0123, np.nan, np.nan), "0.0123"),
        ((np.nan, np.nan, np.nan), "–"),
    ],
)
def test_beside_its_interval_a_number_has_no_digits_that_are_noise(interval, words):
    assert spoken(Interval(*interval, 16, "by hand", "seeds")) == words


def test_settings_are_written_as_they_were_set_and_whole_numbers_exactly():
    assert [setting(value) for value in (0.4, 4.0, 0.0375, 5e-4, 0.0056162, -2.0, 1e-6, 12345)] == [
        "0.4", "4", "0.0375", "0.0005", "0.005616", "−2", "1.00·10⁻⁶", "12\u202f345",
    ]  # fmt: skip
    assert (whole(12345678), whole(-1200), whole(7)) == ("12\u202f345\u202f678", "−1\u202f200", "7")


def test_points_have_no_sign_where_they_are_none():
    assert [points(value) for value in (0.3, -0.004, -0.08, 0.0, np.nan)] == ["30", "0", "−8", "0", "–"]


def test_lists_and_counts():
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
    assert listed(["a", "b"], "or") == "a or b"
    assert (counted(1, "trial"), counted(1200, "trial")) == ("1 trial", "1\u202f200 trials")


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ("raw", "of the data themselves (raw)"),
        ("inception", "FID, in InceptionV3's features"),
        ("efficientnet_lite0", "FD-EffNetLite0, in EfficientNet-Lite0's features; its numbers compare with no FID"),
        ({"module": "my:embed"}, "in features of the study's author, my:embed"),
        ("newer", "in the features newer"),
    ],
)
def test_a_frechet_distance_is_called_fid_in_inceptions_features_alone(features, words):
    assert frechet_in(features) == words


def test_measurements_have_names_and_units():
    assert named("fid", "data²") == "Fréchet distance (data²)"
    assert named("modes", "modes") == "modes captured"
    assert named("a_new_one", "nats") == "a new one (nats)"


def test_every_outcome_and_event_has_its_words():
    assert tuple(OUTCOME_MEANINGS) == OUTCOMES
    assert {*DID, "converged", "failed"} == set(OUTCOMES)
    assert set(EVENTS) == {*MET, "failure"} == set(survival.EVENTS)


def test_a_failure_comes_with_what_counts_as_one():
    assert event_named("failure", survival.KINDS) == "failure (divergence, freezing or a collapse that lasts)"
    assert event_named("failure", ["diverged"]) == "failure (divergence)"
    assert event_named("frozen", ["frozen"]) == "freezing"


def test_only_unbounded_measurements_may_be_logarithmic():
    assert log_scaled("fid") is None
    assert log_scaled("gradient_norm_critic") is None
    assert log_scaled("precision") is False


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0123456, "0.0123"), (0, "0"), (12345.6, "12\u202f346"), (-0.5, "−0.500"), (np.nan, "–"), (np.inf, "∞"),
        (-np.inf, "−∞"), (1.5e-7, "1.50·10⁻⁷"), (2e6, "2.00·10⁶"), (99.96, "100"), (7, "7.00"),
        (0.00099999, "0.00100"), (99999.9, "100\u202f000"), (5e-324, "4.94·10⁻³²⁴"),
    ],
)  # fmt: skip
def test_numbers_are_written_for_readers(value, words):
    assert number(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("hinge", "hinge"),
        (0.0005, "0.0005"),
        (5, "5"),
        (True, "true"),
        (None, "null"),
        ([64, 64], "[64, 64]"),
        ({"name": "r1"}, "r1"),
        ({"name": "r1", "weight": 0.1, "every": 8}, "r1 (weight 0.1, every 8)"),
        ([{"name": "r1", "weight": {"from": 1.0, "to": 0.1}}, "r2"], "r1 (weight (from 1, to 0.1)) + r2"),
    ],
)
def test_settings_are_spelled_out(value, words):
    assert spelled(value) == words


def test_why_medians_of_few_have_no_interval_is_said_of_those_that_have_none():
    def one(captures, method):
        return Interval(1.0, np.nan, np.nan, 4, method, captures)

    few, whole = "no interval: fewer than 6 seeds", Interval(1.0, 0.5, 2.0, 16, "exact bootstrap", "seeds")
    assert too_few([whole, one("both", "no interval: one configuration")], "confirm") == ""
    assert (
        too_few([whole, one("seeds", few)], "confirm").replace("\u00a0", " ")
        == " Fewer than 6 seeds have no interval: all of 5 lie on one side of the true median in 6 % of samples, fewer"
        " more often."
    )
    assert too_few([one("both", few)], "confirm").startswith(" Fewer than 6 searches have")
    assert too_few([one("both", few), one("seeds", few)], "search").startswith(" Fewer than 6 configurations or seeds")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (40, "40 s"), (89, "89 s"), (90, "1.5 min"), (720, "12 min"), (5400, "1.5 h"), (40_000, "11 h"),
        (200_000, "2.3 days"), (86_400 * 99, "99 days"), (86_400 * 12_345, "12,345 days"),
    ],
)  # fmt: skip
def test_durations_have_two_figures(seconds: float, text: str) -> None:
    assert duration(seconds) == text
