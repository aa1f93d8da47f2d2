import numpy as np
import pytest

from analysis.statistics.streams import stream


def test_a_stream_hangs_on_seed_and_names_and_not_on_what_was_drawn():
    parent = np.random.default_rng(3)
    first = stream(parent, ["a", "b"]).random(4)
    parent.random(10)
    np.testing.assert_array_equal(stream(parent, ["a", "b"]).random(4), first)
    for other in (stream(parent, ["b", "a"]), stream(parent, ["ab"]), stream(np.random.default_rng(4), ["a", "b"])):
        assert (other.random(4) != first).all()
    assert (stream(stream(parent, ["a"]), ["b"]).random(4) != first).all()


def test_a_generator_without_a_seed_is_refused():
    class Seedless(np.random.bit_generator.ISeedSequence):
        def generate_state(self, n_words, dtype=np.uint32):
            return np.ones(n_words, dtype)

    with pytest.raises(TypeError, match="parent: expected a generator made from a SeedSequence, got one from Seedless"):
        stream(np.random.Generator(np.random.PCG64(Seedless())), ["a"])
