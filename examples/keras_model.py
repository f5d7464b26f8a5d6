"""A trained labcode LSTM inside a Keras model: the same numbers, the same rules on its weights."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import torch

from labcode.keras_interop import WeightRegularization, from_keras, to_keras
from labcode.lstm import RegularizedLSTM
from labcode.penalties import l2_penalty_torch


def main(seed=0):
    torch.manual_seed(seed)
    lstm = RegularizedLSTM(3, 8, batch_first=True, recurrent_dropout=0.2).eval()
    torch.nn.init.zeros_(lstm.bias_hh_l0)  # Keras has one bias
    rules = WeightRegularization()
    layer = to_keras(lstm, rules)
    model = keras.Sequential([keras.Input((10, 3)), layer, keras.layers.Dense(1)])
    x = np.random.default_rng(seed).normal(size=(4, 10, 3)).astype(np.float32)
    ours = lstm(torch.from_numpy(x))[0].detach().numpy()
    theirs = keras.ops.convert_to_numpy(layer(x))
    model.summary()
    again, _ = from_keras(layer)
    return ours, theirs, again.recurrent_dropout
