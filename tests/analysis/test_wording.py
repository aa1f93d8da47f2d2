import numpy as np
import pytest

from analysis.record.schema import OUTCOMES
from analysis.results import survival
from analysis.statistics.intervals import Interval
from analysis.wording import (
    DID,
    EVENTS,
    FAILURE,
    NEVER,
    OUTCOME_MEANINGS,
    counted,
    event_named,
    frechet_in,
    listed,
    log_scaled,
    named,
    number,
    p_value,
    percent,
    spoken,
    spoken_points,
    spoken_share,
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


def test_intervals_have_both_ends():
    interval = Interval(0.5, 0.25, 0.75, 16, "by hand", "seeds")
    assert spoken(interval) == "0.500 [0.250, 0.750]"
    assert spoken_share(interval).replace("\u00a0", " ") == "50 % [25 %, 75 %]"
    points = Interval(0.311, -0.052, 0.6, 16, "by hand", "seeds")
    assert spoken_points(points).replace("\u00a0", " ") == "31 [−5, 60] percentage points"


def test_lists_and_counts():
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
    assert listed(["a", "b"], "or") == "a or b"
    assert (counted(1, "trial"), counted(1200, "trial")) == ("1 trial", "1\u2009200 trials")


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
    assert set(EVENTS) == set(NEVER) == set(survival.EVENTS)


def test_a_failure_comes_with_what_counts_as_one():
    assert event_named("failure") == f"failure ({FAILURE})"
    assert event_named("frozen") == "freezing"


def test_only_unbounded_measurements_may_be_logarithmic():
    assert log_scaled("fid") is None
    assert log_scaled("gradient_norm_critic") is None
    assert log_scaled("precision") is False


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0123456, "0.0123"), (0, "0"), (12345.6, "12\u2009346"), (-0.5, "−0.500"), (np.nan, "–"), (np.inf, "∞"),
        (-np.inf, "−∞"), (1.5e-7, "1.50·10⁻⁷"), (2e6, "2.00·10⁶"), (99.96, "100.0"), (7, "7.00"),
    ],
)  # fmt: skip
def test_numbers_are_written_for_readers(value, words):
    assert number(value) == words
