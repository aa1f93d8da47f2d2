import pytest

from analysis.results.common_arms import complete, data_set, drawn_alike, one_data_set, units

RING, GRID = {"name": "ring", "modes": 8}, {"name": "grid"}


def about(data, seed=0, searched=("generator_lr",)):
    return {"config": {"data": data, "search": {"seed": seed}}, "searched": {"hinge": list(searched)}}


ABOUTS = {"r1": about(RING, 1), "r2": about(RING, 2), "g": about(GRID, 1), "m": about("digits", 3)}


def test_a_data_set_is_told_from_others_by_what_it_is_not_by_how_it_is_drawn():
    drawn = {**RING, "points": 500, "heldout": 50, "seed": 7, "root": "/data", "download": True}
    assert data_set(about(RING)) == data_set(about(drawn))
    assert data_set(about(RING)) != data_set(about({**RING, "modes": 25}))
    assert data_set(about("digits")) == data_set(about({"name": "digits"}))
    assert data_set({"study": "one"}) != data_set({"study": "other"})  # not known to be of one
    assert one_data_set({"joined": [ABOUTS["r1"], ABOUTS["r2"]]})
    assert not one_data_set({"joined": [ABOUTS["r1"], ABOUTS["g"]]})
    assert one_data_set(ABOUTS["g"])


def test_units_are_data_sets_or_studies_of_one():
    assert units(["r1", "g", "r2"], ABOUTS) == [("r1", "r2"), ("g",)]
    assert units(["r1", "r2"], ABOUTS) == [("r1",), ("r2",)]
    assert units([], ABOUTS) == []


@pytest.mark.parametrize(
    ("arms_of", "studies", "arms"),
    [
        ({"r1": "ab", "g": "ba", "m": "ab"}, ("r1", "g", "m"), ("a", "b")),
        ({"r1": "abc", "g": "ab", "m": "abc"}, ("r1", "g", "m"), ("a", "b")),  # 6 cells, and 3 units rather than 2
        ({"r1": "abcd", "g": "ab", "m": "abcd"}, ("r1", "m"), ("a", "b", "c", "d")),  # 8 cells rather than 6
        ({"r1": "abc", "r2": "abc", "g": "ab", "m": "ab"}, ("r1", "r2", "g", "m"), ("a", "b")),
        ({"r1": "abc", "g": "abd", "m": "abe"}, ("r1", "g", "m"), ("a", "b")),
        ({"r1": "abc", "r2": "abd"}, ("r1", "r2"), ("a", "b")),
        ({"r1": "ab", "g": "cd", "m": ""}, (), ()),
        ({"r1": "ab", "g": "ac"}, (), ()),  # an arm alone has nothing to be compared with
    ],
)
def test_the_largest_complete_table_is_taken(arms_of, studies, arms):
    assert complete(arms_of, ABOUTS) == (studies, arms)


def test_searches_that_began_alike_are_found_across_units_alone():
    assert drawn_alike([("r1",), ("g",), ("m",)], ABOUTS) == ("r1", "g")
    assert drawn_alike([("r1", "r2"), ("m",)], {**ABOUTS, "r2": about(RING, 1)}) == ()
    unsearched = {"r1": about(RING, 1, ()), "g": about(GRID, 1, ())}
    assert drawn_alike([("r1",), ("g",)], unsearched) == ()
