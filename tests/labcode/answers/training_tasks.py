"""Answers to the tasks that train, as learners write them: wrong ones with their reason, and right ones."""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn.functional import mse_loss

from labcode.constraints import constrain_, max_norm_torch
from labcode.lstm.sequence_model import SequenceModel
from labcode.training import fit, seeded

# Exercise 1


class OwnModel(nn.Module):
    """PyTorch's LSTM and a head."""

    def __init__(self, units=24):
        super().__init__()
        self.rnn, self.out = nn.LSTM(6, units, batch_first=True), nn.Linear(units, 1)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


def _tensors(part):
    return [torch.tensor(array) for array in part]


def _loop(train, validation, epochs=100, *, measure=lambda model, x, y: mse_loss(model(x), y).item()):
    """A loop of one's own: the whole training data at once."""
    with seeded(3):
        model = OwnModel()
    adam, (x, y), held = torch.optim.Adam(model.parameters(), lr=0.02), _tensors(train), _tensors(validation)
    curves = [[], []]
    for _ in range(epochs):
        adam.zero_grad()
        mse_loss(model(x), y).backward()
        adam.step()
        with torch.no_grad():
            curves[0].append(measure(model, x, y))
            curves[1].append(measure(model, *held))
    return model.eval(), *curves


def _named(curves, epoch):
    return *curves, epoch(curves[2])


def _fitted(train, validation, epochs=60, units=32, lr=5e-3, seed=1, **options):
    with seeded(seed):
        model = SequenceModel(6, units, 1)
        adam, generator = torch.optim.Adam(model.parameters(), lr=lr), torch.Generator().manual_seed(seed)
        history = fit(
            model,
            train,
            validation,
            optimizer=adam,
            epochs=epochs,
            generator=generator,
            progress=False,
            **options,
        )
    return model, history.train_loss, history.validation_loss


def _as_arrays(train, validation):
    model, *curves = _loop(train, validation, 120)
    first, second = map(np.array, curves)
    return model, first, second, second.argmin()


def _with_penalty(train, validation):
    return _named(
        _fitted(train, validation, penalty=lambda m: 0.5 * sum(p.square().sum() for p in m.parameters())),
        np.argmin,
    )


def _cut_curves(train, validation):
    model, first, second = _fitted(train, validation)
    return model, first[:20], second[:20], int(np.argmin(second[:20]))


def _another_model(train, validation):
    _, first, second = _fitted(train, validation)
    return _fitted(train, validation, lr=1e-2, epochs=90)[0], first, second, int(np.argmin(second))


# Exercise 3


def _steps(model, batches, limit, project, *, optimizer=None, before=lambda: None):
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=1e-2)
    for x, y in batches:
        before()
        optimizer.zero_grad()
        mse_loss(model(x), y).backward()
        optimizer.step()
        with torch.no_grad():
            project(model, limit)
    return model.eval()


def _rows(*names):
    def project(model, limit):
        for name in names:
            w = getattr(model.lstm, name)
            w.copy_(w * limit / w.norm(dim=1, keepdim=True).clamp(min=limit))

    return project


BOTH = _rows("weight_ih_l0", "weight_hh_l0")


def _by_renorm(model, limit):
    for w in (model.lstm.weight_ih_l0, model.lstm.weight_hh_l0):
        w.copy_(w.renorm(2, 0, limit))


def _by_labcode(model, limit):
    constrain_(model.lstm, {part: lambda w: max_norm_torch(w, limit) for part in ("input", "recurrent")})


def _by_loop(model, limit):
    for w in (model.lstm.weight_ih_l0, model.lstm.weight_hh_l0):
        for row in w:
            if row.norm() > limit:
                row *= limit / row.norm()


def _only_a_name(model, limit):
    for w in (model.lstm.weight_ih_l0, model.lstm.weight_hh_l0):
        w = w * limit / w.norm(dim=1, keepdim=True).clamp(min=limit)


def _values(model, limit):
    for w in (model.lstm.weight_ih_l0, model.lstm.weight_hh_l0):
        w.clamp_(-limit, limit)


def _every_tenth(model, batches, limit):
    count = [0]

    def project(model, limit):
        count[0] += 1
        if count[0] % 10 == 0:
            BOTH(model, limit)

    return _steps(model, batches, limit, project)


def _half(model, limit):
    BOTH(model, limit / 2)


def _one_step(model, batches, limit):
    return _steps(model, [next(iter(batches))], limit, BOTH)


def _copied(model, batches, limit):
    return _steps(copy.deepcopy(model), batches, limit, BOTH)


# Exercise 5


def _keras(
    model,
    optimizer,
    batches,
    validation,
    l2,
    clip,
    patience,
    *,
    penalty=lambda w, l2: 2 * l2 * w.detach(),
    shorten=torch.nn.utils.clip_grad_norm_,
    keep=copy.deepcopy,
    watch=None,
    order=list,
    stop=None,
    after=lambda model: model.eval(),
):
    best, waited, kept, epoch = float("inf"), 0, None, 0
    weights = [model.lstm.weight_ih_l0, model.lstm.weight_hh_l0]
    while not (stop(epoch) if stop else waited >= patience):
        for x, y in order(batches):
            model.train()
            model.zero_grad()
            mse_loss(model(x), y).backward()
            for w in weights:
                w.grad += penalty(w, l2)
            shorten(model.parameters(), clip)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            loss = watch(model, batches) if watch else mse_loss(model(validation[0]), validation[1]).item()
        epoch, waited = epoch + 1, waited + 1
        if loss < best:
            best, waited, kept = loss, 0, keep(model.state_dict())
    model.load_state_dict(kept)
    return after(model)


def _keras_with(**changes):
    return lambda *given: _keras(*given, **changes)


def _training_loss(model, batches):
    return sum(mse_loss(model(x), y).item() for x, y in batches)


def _own_optimizer(model, optimizer, *rest):
    return _keras(model, torch.optim.Adam(model.parameters(), lr=5e-3), *rest, stop=lambda epoch: epoch == 5)


def _ours_by_hand(parameters, clip):
    grads = [p.grad for p in parameters]
    length = torch.cat([g.flatten() for g in grads]).norm()
    for g in grads:
        g.mul_(min(1.0, float(clip / length)))


# Exercise 7


def _trained(x, y, epochs=12):
    from labcode.keras_interop import import_keras

    keras = import_keras()
    keras.utils.set_random_seed(1)
    theirs = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.LSTM(8), keras.layers.Dense(1)])
    theirs.compile(optimizer=keras.optimizers.Adam(0.05), loss="mse")
    theirs.fit(x, y, epochs=epochs, verbose=0)
    return theirs


def _carried(theirs, *, turn=np.transpose, bias=lambda b: (b, 0 * b), head=np.transpose, constant=1.0):
    kernel, recurrent, b, out, last = theirs.get_weights()
    model = SequenceModel(6, 8, 1)
    first, second = bias(b)
    new = {"lstm.weight_ih_l0": turn(kernel), "lstm.weight_hh_l0": turn(recurrent), "lstm.bias_ih_l0": first}
    new |= {"lstm.bias_hh_l0": second, "head.weight": head(out), "head.bias": constant * last}
    model.load_state_dict({name: torch.tensor(np.ascontiguousarray(w)) for name, w in new.items()})
    return model.eval()


def _port(**changes):
    def answer(x, y):
        theirs = _trained(x, y)
        return theirs, _carried(theirs, **changes)

    return answer


def _gates_exchanged(w):
    i, f, g, o = np.split(np.transpose(w), 4)
    return np.concatenate([i, f, o, g])


def _from_keras(x, y):
    from labcode.keras_interop import from_keras

    theirs = _trained(x, y)
    ours = _carried(theirs)
    ours.lstm = from_keras(theirs.layers[0])[0]
    return theirs, ours.eval()


def _trained_on(x, y):
    theirs = _trained(x, y)
    ours = _carried(theirs)
    theirs.fit(x, y, epochs=1, verbose=0)
    return theirs, ours


# Exercise 9


def _repair(
    settings, data, *, name=None, change=None, read=lambda history: history, part=lambda data: data.train
):
    from labcode.check.exercise_09_training import train_run

    _, history = train_run(settings, data.train, data.validation)
    train, validation = np.array(history.train_loss), np.array(history.validation_loss)
    found = "overfit" if train[-1] < 0.5 * validation[-1] else "underfit"
    found = "learning rate too high" if np.abs(np.diff(train)).max() > 3 else found
    cures = {
        "overfit": {"l2": 0.02},
        "underfit": {"l2": 0.0},
        "learning rate too high": {"learning_rate": 0.03},
    }
    model, _ = train_run(settings | (change or cures[found]), part(data), data.validation)
    return name or found, model


def _repair_with(**changes):
    return lambda settings, data: _repair(settings, data, **changes)


def _both(data):
    from labcode.data.dataset import join

    return join(data.train, data.validation)


def _judged_by_test(settings, data):
    name, model = _repair(settings, data)
    with torch.no_grad():
        mse_loss(model(torch.tensor(data.test.x)), torch.tensor(data.test.y))
    return name, model


WRONG = [
    ("overfit_on_purpose", lambda t, v: _named(_fitted(v, t), np.argmin), "LEARNED the validation days"),
    ("overfit_on_purpose", lambda t, v: _named(_loop(t, v, 4), np.argmin), "More epochs"),
    ("overfit_on_purpose", _with_penalty, "nothing that regularizes"),
    ("overfit_on_purpose", lambda t, v: _named(_loop(t, v), lambda c: int(np.argmax(c))), "lowest at epoch"),
    ("overfit_on_purpose", lambda t, v: _named(_loop(t, v), lambda c: len(c) - 1), "That is the last epoch"),
    (
        "overfit_on_purpose",
        lambda t, v: _named(_loop(t, v), lambda c: int(np.argmin(c)) + 1),
        "counted from 0",
    ),
    ("overfit_on_purpose", _cut_curves, "The curves end at"),
    ("overfit_on_purpose", _another_model, "The curves end at"),
    ("overfit_on_purpose", lambda t, v: _loop(t, v), "4 things were expected"),
    ("overfit_on_purpose", lambda t, v: (None, [1, 2], [1, 2], 0), "a PyTorch model was expected"),
    ("overfit_on_purpose", lambda t, v: (*_loop(t, v)[:2], [1.0], 0), "one loss for each epoch"),
    ("overfit_on_purpose", lambda t, v: (*_loop(t, v), "first"), "a whole number were expected"),
    ("train_with_max_norm", lambda m, b, limit: _steps(m, b, limit, _only_a_name), "only gives the name"),
    ("train_with_max_norm", lambda m, b, limit: _steps(m, b, limit, _values), "far beyond the limit"),
    ("train_with_max_norm", lambda m, b, limit: (_steps(m, b, limit, BOTH), None)[1], "returned None"),
    ("train_with_max_norm", _every_tenth, "after EVERY step"),
    ("train_with_max_norm", lambda m, b, limit: _steps(m, b, limit, _half), "should get just the limit"),
    ("train_with_max_norm", lambda m, b, limit: _steps(m, b, limit, _rows("weight_hh_l0")), "W does not"),
    ("train_with_max_norm", lambda m, b, limit: _steps(m, b, limit, _rows("weight_ih_l0")), "U does not"),
    ("train_with_max_norm", _one_step, "no step was seen"),
    ("train_with_max_norm", lambda m, b, limit: _steps(m, list(b), limit, BOTH), "no step was seen"),
    ("train_with_max_norm", _copied, "return the model that you were given"),
    ("train_with_max_norm", lambda m, b, limit: _steps(m, b, limit, BOTH).train(), "still in training mode"),
    ("train_with_max_norm", lambda m, b, limit: BOTH(m, limit), "requires grad|no step was seen|in-place"),
    ("train_as_keras", _keras_with(penalty=lambda w, l2: l2 * w.detach()), "half as strong"),
    ("train_as_keras", _keras_with(penalty=lambda w, l2: 2 * l2 * w.detach().sign()), "term by term"),
    ("train_as_keras", _keras_with(penalty=lambda w, l2: 0.0), "penalty is missing"),
    ("train_as_keras", _keras_with(shorten=torch.nn.utils.clip_grad_value_), "Single values"),
    ("train_as_keras", _keras_with(shorten=lambda parameters, clip: None), "is not clipped"),
    ("train_as_keras", _keras_with(keep=lambda state: state), "were they copied"),
    ("train_as_keras", _keras_with(keep=dict), "were they copied"),
    ("train_as_keras", _keras_with(watch=_training_loss), "epochs were trained"),
    ("train_as_keras", _keras_with(stop=lambda epoch: epoch == 30), "REACHES the patience"),
    ("train_as_keras", _keras_with(stop=lambda epoch: epoch == 2), "Stop as soon as"),
    ("train_as_keras", _keras_with(after=lambda model: model.train()), "still in training mode"),
    ("train_as_keras", _own_optimizer, "with this optimizer"),
    ("train_and_carry", lambda x, y: (m := _trained(x, y, 0), _carried(m)), "was not trained"),
    ("train_and_carry", _port(bias=lambda b: (b, b)), "has it twice"),
    ("train_and_carry", _port(bias=lambda b: (0 * b, 0 * b)), "carried over rightly"),
    ("train_and_carry", _port(bias=lambda b: (b[::-1], 0 * b)), "carried over rightly"),
    ("train_and_carry", _port(turn=_gates_exchanged), "carried over rightly"),
    ("train_and_carry", _port(turn=lambda w: w.reshape(w.shape[::-1])), "Transpose"),
    ("train_and_carry", _port(constant=0.0), "the head does not"),
    ("train_and_carry", _port(head=lambda w: -w.T), "the head does not"),
    ("train_and_carry", _trained_on, "carried over rightly"),
    ("train_and_carry", lambda x, y: _carried(_trained(x, y)), "2 things were expected"),
    ("train_and_carry", lambda x, y: (_carried(_trained(x, y)), _trained(x, y)), "should be the Keras model"),
    ("train_and_carry", lambda x, y: (m := _trained(x, y), _carried(m).train()), "still in training mode"),
    ("repair_run", _repair_with(name="overfit"), "Nothing was learned"),
    ("repair_run", _repair_with(name="underfit"), "learned too much"),
    ("repair_run", _repair_with(name="too long"), "the name should be one of"),
    ("repair_run", _repair_with(change={"l2": 3.0}), "was not made better"),
    ("repair_run", _repair_with(change={"epochs": 1}), "was not made better"),
    ("repair_run", _repair_with(change={"learning_rate": 5e-4}), "has not learned enough yet"),
    ("repair_run", _repair_with(part=_both, change={"epochs": 80, "l2": 0.0}), "LEARNED the validation days"),
    ("repair_run", _judged_by_test, "data.test was asked for"),
    ("repair_run", lambda settings, data: settings, "2 things were expected"),
    ("repair_run", lambda settings, data: ("overfit", None, 0), "2 things were expected"),
    ("repair_run", lambda settings, data: ("overfit", settings), "a PyTorch model was expected"),
    ("repair_run", lambda settings, data: ("overfit", nn.Flatten()), "with parameters"),
    ("repair_run", lambda settings, data: (nn.Flatten(), "overfit"), "the name should be one of"),
]

RIGHT = [
    ("overfit_on_purpose", lambda t, v: _named(_loop(t, v), np.argmin)),
    ("overfit_on_purpose", lambda t, v: list(_named(_fitted(t, v, units=64), lambda c: c.index(min(c))))),
    ("overfit_on_purpose", lambda t, v: _named(_fitted(t, v, epochs=40, lr=1e-2), np.argmin)),
    ("overfit_on_purpose", lambda t, v: _named(_fitted(t, v, epochs=80), lambda c: c.index(min(c)))),
    ("overfit_on_purpose", lambda t, v: _named(_loop(t, v, 150), lambda c: torch.tensor(c).argmin())),
    ("overfit_on_purpose", _as_arrays),
    ("overfit_on_purpose", lambda t, v: _named(_fitted(t, v, seed=44), np.argmin)),  # 2.8 % above its best
    ("train_with_max_norm", lambda m, b, limit: _steps(m, b, limit, BOTH)),
    ("train_with_max_norm", lambda m, b, limit: _steps(m, b, limit, _by_renorm)),
    ("train_with_max_norm", lambda m, b, limit: _steps(m, b, limit, _by_labcode)),
    ("train_with_max_norm", lambda m, b, limit: _steps(m, b, limit, _by_loop)),
    (
        "train_with_max_norm",
        lambda m, b, limit: _steps(
            m, b, limit, BOTH, optimizer=torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)
        ),
    ),
    (
        "train_with_max_norm",
        lambda m, b, limit: _steps(m, b, limit, BOTH, optimizer=torch.optim.RMSprop(m.parameters(), 3e-3)),
    ),
    ("train_as_keras", _keras_with()),
    ("train_as_keras", _keras_with(keep=lambda state: {name: w.clone() for name, w in state.items()})),
    (
        "train_as_keras",
        _keras_with(penalty=lambda w, l2: torch.autograd.grad(l2 * w.square().sum(), w)[0]),
    ),
    ("train_as_keras", _keras_with(after=lambda model: model.train(False))),
    ("train_as_keras", _keras_with(shorten=_ours_by_hand)),
    ("train_as_keras", _keras_with(order=reversed)),
    ("train_and_carry", _port()),
    ("train_and_carry", _port(bias=lambda b: (b / 2, b / 2))),
    ("train_and_carry", _from_keras),
    ("train_and_carry", _port(bias=lambda b: (0 * b, b))),
    ("train_and_carry", _port(bias=lambda b: (2 * b, -b))),
    ("train_and_carry", lambda x, y: [*_port(turn=lambda w: np.einsum("ij->ji", w))(x, y)]),
    ("repair_run", _repair_with()),
    ("repair_run", _repair_with(part=lambda data: (data.train.x, data.train.y))),
    ("repair_run", lambda settings, data: [*_repair(settings, data)]),
    ("repair_run", lambda settings, data: (np.str_((both := _repair(settings, data))[0]), both[1])),
    (
        "repair_run",
        lambda settings, data: ((both := _repair(settings, data))[0], nn.Sequential(both[1]).eval()),
    ),
    ("repair_run", lambda settings, data: copy.deepcopy(_repair(settings, data))),
]
