"""Training with a score after each epoch is the same training, and no score can change it."""

import pytest
import torch
from evidence_tasks import TOY

from labcode.experiments.declaration import read_declaration
from labcode.experiments.runs import alone, make_run, train
from labcode.experiments.scored_training import train_scored
from labcode.training import evaluate


def declare(folder):
    path = folder / "toy.toml"
    path.write_text(TOY, encoding="utf-8")
    return read_declaration(path)


@pytest.mark.parametrize("methods", [{}, {"output_dropout": 0.5}, {"weight_decay": 1.0}, {"max_norm": 0.5}])
def test_curves_and_weights_are_those_of_a_plain_run(tmp_path, methods):
    run = make_run(declare(tmp_path), methods, 3)
    plain, history = train(run)
    with alone():  # as a study calls it
        scored, curves = train_scored(run, lambda model, data: evaluate(model, data.validation))
    assert curves["train"] == history.train_loss
    assert curves["validation"] == history.validation_loss == curves["loss"]
    for one, other in zip(plain.parameters(), scored.parameters(), strict=True):
        assert torch.equal(one, other)


def test_each_epoch_is_scored_once_in_order(tmp_path):
    seen = []

    def score(model, data):
        seen.append(next(model.parameters()).sum().item())
        return {"calls": len(seen)}

    _, curves = train_scored(make_run(declare(tmp_path), {}, 0), score)
    assert curves["calls"] == [1, 2, 3, 4]
    assert len(set(seen)) == 4


def test_a_run_that_stops_early_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected one without patience, .* received 1"):
        train_scored(make_run(declare(tmp_path), {}, 0, early=True), lambda model, data: {})
