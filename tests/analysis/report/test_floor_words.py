import pytest

from analysis.report.floor_words import dotted, of_fewer


def about(study="shapes", held=30, samples=100, features="classifier", **more):
    floor = {"floor": {"fid": 35.5}, "floor_samples": held}
    return {"study": study, "config": {"evaluation": {"samples": samples, "features": features}, **more}, **floor}


def test_a_floor_of_fewer_points_than_a_generators_samples_is_said_to_be_one():
    assert dotted(about()) == (
        "Dotted: the score of the 30 real points held out; as many as the 100 samples of a generator would have a"
        " smaller Fréchet distance."
    )
    (caveat,) = of_fewer(about(outcomes={"factor": 3.0}))
    assert "is measured on the 30 points held out, what a generator scores on 100 samples, and more" in caveat
    assert "and 3 times their distance, within which samples count as near the data, is further away" in caveat


def test_the_limit_that_rests_on_the_floor_is_named_where_it_is_asked():
    raw, other = about(features="raw"), about("digits")
    (caveat,) = of_fewer(raw)
    assert "a generator may score better than real data do here. Where evaluation.samples" in caveat
    assert "4 times their distance" in of_fewer({"joined": [raw, other]})[0]
    assert "4 times" not in of_fewer({"joined": [raw, about("digits", held=100)]})[0]


@pytest.mark.parametrize("same", [about(held=100), {**about(), "floor": {}}])
def test_nothing_is_said_of_a_floor_of_as_many_or_of_none(same):
    assert dotted(same) == "Dotted: the score of as many fresh real samples."
    assert of_fewer(same) == []


def test_an_earlier_record_does_not_say_of_how_many_its_floor_is():
    assert "or of all that are held out where these are fewer" in dotted(about(held=None))
    assert of_fewer(about(held=None)) == []


def test_of_joined_studies_those_are_named_whose_floor_is_of_fewer():
    (caveat,) = of_fewer({"joined": [about(), about("ring", 2500, 2500), about("moons", 400, 2500)]})
    assert "on the 30 points held out of shapes and the 400 points held out of moons" in caveat
    assert "what a generator scores on 100 and 2\u202f500 samples" in caveat
    assert "ring" not in caveat
