from benchmarks import packs
from benchmarks.packs import REPLICAS, arm, interval, populations
from trainables.data import load
from trainables.metrics.evaluator import Evaluator
from trainables.spec import shared


def test_both_sides_train_the_same_trials(monkeypatch):
    monkeypatch.setattr(packs, "INTERVAL", 2)
    data = load("ring", points=500, heldout=100)
    evaluator = Evaluator(data, {"samples": 60})
    specs = arm(8, 3, 2)
    assert all(shared(spec.to_dict()) == shared(specs[0].to_dict()) for spec in specs)
    assert len({spec.generator_lr for spec in specs}) == 3
    alone, packed = (populations(specs, together, data, evaluator) for together in (1, 3))
    assert [len(one.seeds) for one in (*alone, *packed)] == [REPLICAS] * 3 + [3 * REPLICAS]
    assert interval(alone, 3) > 0
    assert interval(packed, 3) > 0
    losses = [value for one in alone for value in one.advance().columns["loss_critic"]]
    assert packed[0].advance().columns["loss_critic"] == losses
