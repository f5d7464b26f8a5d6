"""A labcode LSTM with L2 and max-norm inside a Keras model, trained there, and brought back."""

from functools import partial

import torch

from labcode.constraints import max_norm_torch
from labcode.data import load_weather
from labcode.keras_interop import from_keras, import_keras, to_keras
from labcode.lstm import RegularizedLSTM
from labcode.penalties import WeightRegularization, l2_penalty_torch

RULES = WeightRegularization(
    penalties={"input": partial(l2_penalty_torch, lam=1e-3)},
    constraints={"recurrent": partial(max_norm_torch, limit=1.0)},
)


def main(epochs=2, seed=0):
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    data = load_weather()
    lstm = RegularizedLSTM(6, 16, batch_first=True, recurrent_dropout=0.2, tied=False)
    layer = to_keras(lstm, RULES)
    model = keras.Sequential([keras.Input(data.train.x.shape[1:]), layer, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(data.train.x, data.train.y, validation_data=tuple(data.validation), epochs=epochs, verbose=2)
    trained, rules = from_keras(layer)
    x = torch.from_numpy(data.test.x.copy())
    with torch.no_grad():
        ours = trained.eval()(x)[1][0][-1].numpy()
    theirs = keras.ops.convert_to_numpy(layer(data.test.x))
    return ours, theirs, trained, rules


if __name__ == "__main__":
    ours, theirs, trained, rules = main()
    print(f"largest difference {abs(ours - theirs).max():.1e}; {trained}; {rules}")
