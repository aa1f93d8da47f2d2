import pyarrow as pa
import pytest

from analysis.record import schema
from analysis.record.schema import HISTORY, TRIALS

CONFIG = {"beta1": "float64", "critic_steps": "int64"}


def test_every_column_is_declared_once_and_in_full():
    for columns in (HISTORY, TRIALS):
        names = [item.name for item in columns]
        assert len(set(names)) == len(names)
        assert all(item.meaning and item.dtype in schema.ARROW for item in columns)
        assert all(item.unit for item in columns if item.dtype == "float64")


def test_the_keys_are_the_designs():
    assert schema.HISTORY_KEYS == ("study", "phase", "arm", "repeat", "trial_id", "seed", "step")
    names = [item.name for item in HISTORY]
    assert names[7:11] == ["model", "objective", "generator_loss", "penalty"]
    assert all(item.required for item in HISTORY if item.name in schema.HISTORY_KEYS)


def test_the_schema_carries_units_and_meanings():
    field = schema.history_schema().field("wall_time")
    assert (field.type, field.metadata[b"unit"]) == (pa.float64(), b"s")
    assert b"training" in field.metadata[b"meaning"]
    assert not schema.history_schema().field("seed").nullable
    assert schema.trials_schema(CONFIG).names[-2:] == ["config.beta1", "config.critic_steps"]


def test_own_measurements_are_columns_of_both_tables_with_floors():
    assert schema.history_schema(["own.blur"]).names[-1] == "own.blur"
    found = schema.trials_schema(CONFIG, ["own.blur"])
    assert found.names[-5:-2] == ["own.blur", "floor.own.blur", "floor_spread.own.blur"]
    assert found.field("own.blur").type == pa.float64()


@pytest.mark.parametrize(
    ("kinds", "dtype"),
    [
        ([bool], "bool"), ([int, type(None)], "int64"), ([int, float], "float64"), ([float], "float64"),
        ([str], "category"), ([bool, int], "category"), ([str, int], "category"), ([type(None)], "category"),
    ],
)  # fmt: skip
def test_configurations_find_a_dtype_that_holds_all_values(kinds, dtype):
    assert schema.config_dtype(kinds) == dtype
