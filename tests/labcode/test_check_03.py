"""Exercise 3: right answers as learners write them pass, wrong ones meet the message meant for them."""

import copy
from itertools import combinations

import numpy as np
import pytest
import torch
from answer_mutants import BEHAVIOUR
from test_check import feedback

from labcode import check
from labcode.check.exercise_03 import CHECKERS
from labcode.check.side_effects import Seed
from labcode.constraints import max_norm
from labcode.dropout import dropout_mask_torch
from labcode.early_stopping import EarlyStopping
from labcode.lstm import RegularizedLSTM, lstm_forward
from labcode.optimizers import clip_by_global_norm, sgd

PAIRS = [
    (c, *pair) for c in CHECKERS if c.name not in BEHAVIOUR for pair in combinations(c.misconceptions, 2)
]
HIDDEN_BY = {  # a mistake that leaves nothing of the other one to be seen
    ("clipped after the step", "each array apart"),
    ("clipped after the step", "small gradients scaled up"),
    ("clipped after the step", "entry by entry"),
    ("clipped after the step", "norms added"),
    ("clipped after the step", "root forgotten"),
    ("entry by entry", "small gradients scaled up"),
    ("entry by entry", "update clipped"),
    ("norm over columns", "zero divided by zero"),
    ("one norm for the matrix", "rows inside the ball rescaled"),
    ("one mask for the whole batch", "two sequences, one mask"),
    ("one mask for the whole batch", "exactly the share p of each sequence"),
    ("one draw for all units of a sequence", "two sequences, one mask"),
    ("one draw for all units of a sequence", "exactly the share p of each sequence"),
    ("locked along the wrong axis", "two sequences, one mask"),
    ("locked along the wrong axis", "exactly the share p of each sequence"),
    ("one norm for the matrix", "zero divided by zero"),
    ("max_epochs ignored", "best weights only after a stop"),
    ("best weights kept by reference", "best weights only after a stop"),
    ("last weights returned", "best weights only after a stop"),
}


@pytest.mark.parametrize(("checker", "one", "other"), PAIRS, ids=lambda value: value.name)
def test_two_mistakes_at_once_are_both_named_unless_one_hides_the_other(checker, one, other):
    if one.switches.keys() & other.switches.keys():
        pytest.skip("two settings of one switch")
    found = checker.diagnose(checker.outputs({**one.switches, **other.switches}))
    names = {mistake.name for mistake in found}
    hidden = [pair for pair in HIDDEN_BY if set(pair) == {one.name, other.name}]
    assert names == ({hidden[0][0]} if hidden else {one.name, other.name})


def _library_step(weights, grads, lr, lam):
    decay = {name: lam if "weight" in name else 0.0 for name in weights}
    return {name: sgd(w, grads[name], lr=lr, weight_decay=decay[name])[0] for name, w in weights.items()}


def _torch_step(weights, grads, lr, lam):
    parameters = {name: torch.nn.Parameter(torch.tensor(w)) for name, w in weights.items()}
    groups = [
        {"params": [p], "weight_decay": lam * name.startswith("weight")} for name, p in parameters.items()
    ]
    for name, parameter in parameters.items():
        parameter.grad = torch.tensor(grads[name])
    torch.optim.SGD(groups, lr=lr).step()
    return {name: parameter.detach() for name, parameter in parameters.items()}


def _mask_by_choice(rng, batch, steps, units, p):
    mask = rng.choice([0.0, 1 / (1 - p)], size=(batch, units), p=[p, 1 - p])
    return np.stack([mask] * steps, axis=1)


def _mask_in_loops(rng, batch, steps, units, p):
    mask = [[[0.0] * units for _ in range(steps)] for _ in range(batch)]
    for b in range(batch):
        for unit in range(units):
            value = 0.0 if rng.uniform() < p else 1 / (1 - p)
            for t in range(steps):
                mask[b][t][unit] = value
    return mask


def _mask_by_torch(rng, batch, steps, units, p):
    generator = torch.Generator().manual_seed(int(rng.integers(1 << 30)))
    return dropout_mask_torch((batch, 1, units), p, generator=generator).expand(batch, steps, units)


def _numpy_library_lstm(x, weights, mask):
    return lstm_forward(x, weights, masks={"h_l0": mask})[0]


def _torch_lstm(x, weights, mask):
    lstm = RegularizedLSTM(x.shape[2], mask.shape[1], batch_first=True).double()
    lstm.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
    return lstm(torch.from_numpy(x), masks={"h_l0": torch.from_numpy(mask)})[0].detach()


def _lstm_by_masked_weights(x, weights, mask):
    """U (m ⊙ h) = (U diag m) h: each sequence through nn.LSTM with weights of its own."""
    outputs = []
    for sequence, row in zip(torch.from_numpy(x), mask, strict=True):
        lstm = torch.nn.LSTM(x.shape[2], mask.shape[1], batch_first=True).double()
        own = {**weights, "weight_hh_l0": weights["weight_hh_l0"] * row}
        lstm.load_state_dict({name: torch.from_numpy(w) for name, w in own.items()})
        outputs.append(lstm(sequence[None])[0][0].detach().numpy())
    return outputs


def _library_clip(weights, grads, lr, max_norm):
    clipped, _ = clip_by_global_norm(list(grads.values()), max_norm)
    return {name: w - lr * g for (name, w), g in zip(weights.items(), clipped, strict=True)}


def _torch_clip(weights, grads, lr, max_norm):
    parameters = {name: torch.nn.Parameter(torch.tensor(w)) for name, w in weights.items()}
    for name, parameter in parameters.items():
        parameter.grad = torch.tensor(grads[name])
    torch.nn.utils.clip_grad_norm_(parameters.values(), max_norm)
    torch.optim.SGD(parameters.values(), lr=lr).step()
    return {name: parameter.detach() for name, parameter in parameters.items()}


def _rows_one_by_one(w, limit):
    rows = []
    for row in w:
        length = np.linalg.norm(row)
        rows.append(row * limit / length if length > limit else row)
    return np.array(rows)


def _stop_with_the_library(trainer, patience, max_epochs):
    rule = EarlyStopping(patience=patience, restore_best_weights=True)
    for epoch in range(max_epochs):
        if rule.update(epoch, trainer.train_epoch(), trainer.weights):
            break
    return rule.weights_to_restore()


def _stop_from_a_list(trainer, patience, max_epochs):
    losses, kept = [], []
    while len(losses) < max_epochs and (not losses or len(losses) - 1 - int(np.argmin(losses)) < patience):
        losses.append(trainer.train_epoch())
        kept.append({name: w.copy() for name, w in trainer.weights.items()})
    return kept[int(np.argmin(losses))]


RIGHT = [
    ("l2_step", _library_step),
    ("l2_step", _torch_step),
    ("locked_mask", _mask_by_choice),
    ("locked_mask", _mask_in_loops),
    ("locked_mask", _mask_by_torch),
    ("lstm_with_recurrent_dropout", _numpy_library_lstm),
    ("lstm_with_recurrent_dropout", _torch_lstm),
    ("lstm_with_recurrent_dropout", _lstm_by_masked_weights),
    ("clip_and_step", _library_clip),
    ("clip_and_step", _torch_clip),
    ("max_norm", max_norm),
    ("max_norm", lambda w, limit: torch.renorm(torch.tensor(w), 2, 0, limit)),
    ("max_norm", _rows_one_by_one),
    ("train_with_early_stopping", _stop_with_the_library),
    ("train_with_early_stopping", _stop_from_a_list),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=lambda value: getattr(value, "__name__", value))
def test_other_right_answers_pass(name, answer, capsys):
    getattr(check, name)(answer)
    assert "right" in capsys.readouterr().out


def _step_in_keras_units(weights, grads, lr, lam):
    return {k: w - lr * (grads[k] + 2 * lam * w * ("weight" in k)) for k, w in weights.items()}


def _decay_everything(weights, grads, lr, lam):
    return {k: (1 - lr * lam) * w - lr * grads[k] for k, w in weights.items()}


def _decay_in_place(weights, grads, lr, lam):
    for name, w in weights.items():
        w -= lr * (grads[name] + lam * w * name.startswith("weight"))
    return weights


def _layer_dropout(rng, batch, steps, units, p):
    return (rng.random((batch, steps, units)) >= p) / (1 - p)


def _keep_probability(rng, batch, steps, units, p):
    return np.repeat(rng.binomial(1, p, (batch, 1, units)) / max(p, 1e-9), steps, axis=1)


def _unscaled(rng, batch, steps, units, p):
    return np.tile(rng.random((batch, 1, units)) > p, (1, steps, 1)).astype(float)


def _state_masked_after_the_step(x, weights, mask):
    """The state is masked once it is computed, and collected like that."""
    u, h, c, outputs = weights["weight_hh_l0"], np.zeros(mask.shape), np.zeros(mask.shape), []
    for t in range(x.shape[1]):
        z = x[:, t] @ weights["weight_ih_l0"].T + h @ u.T + weights["bias_ih_l0"] + weights["bias_hh_l0"]
        i, f, g, o = np.split(z, 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = mask * np.tanh(c) / (1 + np.exp(-o))
        outputs.append(h)
    return np.stack(outputs, axis=1)


def _clip_too_late(weights, grads, lr, max_norm):
    new = {name: w - lr * grads[name] for name, w in weights.items()}
    clip_by_global_norm(list(grads.values()), max_norm)
    return new


def _clip_each(weights, grads, lr, max_norm):
    clipped = {name: g * min(1, max_norm / np.linalg.norm(g)) for name, g in grads.items()}
    return {name: w - lr * clipped[name] for name, w in weights.items()}


def _best_by_reference(trainer, patience, max_epochs):
    best, waited, kept = np.inf, 0, None
    for _ in range(max_epochs):
        loss = trainer.train_epoch()
        waited = 0 if loss < best else waited + 1
        if loss < best:
            best, kept = loss, trainer.weights.copy()
        if waited == patience:
            break
    return kept


def _clip_by_the_square(weights, grads, lr, max_norm):
    size = sum((g**2).sum() for g in grads.values())
    return {name: w - lr * grads[name] * min(1.0, max_norm / size) for name, w in weights.items()}


def _old_cell_masked(x, weights, mask):
    h, c, outputs = np.zeros(mask.shape), np.zeros(mask.shape), []
    w, u, *biases = weights.values()
    for t in range(x.shape[1]):
        c = c * mask
        i, f, g, o = np.split(x[:, t] @ w.T + h @ u.T + sum(biases), 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        outputs.append(h)
    return np.stack(outputs, axis=1)


def _patience_alone(trainer, patience, max_epochs):
    best, waited, kept = np.inf, 0, None
    while waited < patience:
        loss = trainer.train_epoch()
        waited += 1
        if loss < best:
            best, waited, kept = loss, 0, copy.deepcopy(trainer.weights)
    return kept


def _never_ends(trainer, patience, max_epochs):
    losses = [trainer.train_epoch()]
    while losses[-1] <= losses[0]:
        losses.append(trainer.train_epoch())
    return trainer.weights


def _previous_epoch(trainer, patience, max_epochs):
    before, waited, kept = np.inf, 0, None
    for _ in range(max_epochs):
        loss = trainer.train_epoch()
        if loss < before:
            waited, kept = 0, copy.deepcopy(trainer.weights)
        else:
            waited += 1
        before = loss
        if waited >= patience:
            break
    return kept


WRONG = [
    ("l2_step", _step_in_keras_units, "twice too fast"),
    ("l2_step", _decay_everything, "biases are shrunk"),
    ("l2_step", _decay_in_place, "changed its own arguments"),
    ("locked_mask", _layer_dropout, "a mask of its own"),
    ("locked_mask", _unscaled, "1/(1-p) is missing"),
    ("locked_mask", lambda rng, b, t, h, p: "mask", "expected"),
    ("locked_mask", lambda rng, b, t, h, p: _mask_by_choice(rng, b, 1, h, p)[:, 0], "shape"),
    ("lstm_with_recurrent_dropout", _state_masked_after_the_step, "the new h_t, which is also the output"),
    ("lstm_with_recurrent_dropout", _old_cell_masked, "forgets all it had stored"),
    ("clip_and_step", _clip_too_late, "first shorten the gradient"),
    ("clip_and_step", _clip_each, "ONE norm over all arrays"),
    ("clip_and_step", _clip_by_the_square, "its root is missing"),
    ("max_norm", lambda w, limit: w * np.minimum(1, limit / np.linalg.norm(w, axis=0)), "columns were"),
    ("max_norm", lambda w, limit: w * limit / np.maximum(np.linalg.norm(w), limit), "whole matrix"),
    ("train_with_early_stopping", _best_by_reference, "kept by reference"),
    ("train_with_early_stopping", _previous_epoch, "crawls back"),
    ("train_with_early_stopping", _patience_alone, "beyond `max_epochs`"),
    ("train_with_early_stopping", _never_ends, "what ends this loop?"),
    ("train_with_early_stopping", lambda trainer, patience, epochs: trainer.train_epoch(), "unknown, got a"),
    ("train_with_early_stopping", lambda trainer, patience, epochs: None, "`return`"),
]


@pytest.mark.parametrize(("name", "answer", "fragment"), WRONG)
def test_wrong_answers_as_learners_write_them(name, answer, fragment):
    message = feedback(getattr(check, name), answer)
    assert fragment in message.replace("\n", " "), message


def test_a_share_to_keep_is_recognized_although_other_numbers_are_drawn():
    message = feedback(check.locked_mask, _keep_probability)
    assert "'share dropped': 'about 1 - p'" in message.replace("\n", " ")


@pytest.mark.parametrize("seed", range(30))
def test_what_is_said_of_a_mask_does_not_depend_on_the_numbers_drawn(seed):
    case = check.locked_mask.cases[0]
    mask = _mask_by_choice(np.random.default_rng(seed), *case.args[1:])
    said = check.locked_mask.summarize(mask, case.args)
    assert said["share dropped"] == "about p"
    assert not said["the same for every sequence"]
    assert not said["the same for every unit"]


def test_a_case_shows_how_its_generator_is_made():
    assert repr(Seed(3)) == "np.random.default_rng(3)"
    assert "rng=np.random.default_rng(1)" in feedback(check.locked_mask, _layer_dropout)
