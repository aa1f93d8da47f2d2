import pytest

from analysis.record.units import unit_of


@pytest.mark.parametrize(
    ("features", "units"),
    [("raw", ("data²", "data")), ("classifier", ("1", "1")), ({"module": "my:embed"}, ("1", "1"))],
)
def test_distances_have_the_datas_unit_where_they_are_of_the_data_themselves(features, units):
    about = {"config": {"evaluation": {"features": features}}}
    assert (unit_of("floor.fid", about), unit_of("sliced_wasserstein", about)) == units
    assert (unit_of("fid", about), unit_of("wasserstein_1d", about)) == (units[0], "data")


def test_other_units_are_the_schemas_and_what_it_does_not_know_has_the_unit_that_its_file_says():
    assert (unit_of("step", {}), unit_of("precision", {}), unit_of("later.fid", {}, "data²")) == ("steps", "1", "data²")
    joined = {"joined": [{"config": {"evaluation": {"features": one}}} for one in ("raw", "inception")]}
    assert unit_of("fid", joined) == "1"
