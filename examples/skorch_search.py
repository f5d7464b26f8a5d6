"""Dropout and learning rate chosen by scikit-learn's own search, through skorch; split in time."""

import numpy as np
import torch
from sklearn.model_selection import PredefinedSplit, RandomizedSearchCV
from skorch import NeuralNetRegressor

from labcode.data import load_weather
from labcode.lstm import SequenceModel


def main(trials=4, epochs=5, seed=0):
    data = load_weather()
    x = np.concatenate([data.train.x, data.validation.x])
    y = np.concatenate([data.train.y, data.validation.y])
    in_time = PredefinedSplit(np.repeat([-1, 0], [len(data.train.x), len(data.validation.x)]))
    torch.manual_seed(seed)
    net = NeuralNetRegressor(
        SequenceModel,
        module__input_size=x.shape[2],
        module__hidden_size=16,
        module__output_size=1,
        optimizer=torch.optim.Adam,
        max_epochs=epochs,
        batch_size=32,
        train_split=None,
        verbose=0,
    )
    space = {
        "module__recurrent_dropout": [0.0, 0.2, 0.4],
        "module__output_dropout": [0.0, 0.3],
        "optimizer__lr": np.geomspace(1e-3, 1e-2, 5),
    }
    settings = {"scoring": "neg_mean_squared_error", "refit": False, "random_state": seed}
    search = RandomizedSearchCV(net, space, n_iter=trials, cv=in_time, **settings)
    search.fit(x, y)
    print(search.best_params_, f"validation loss {-search.best_score_:.3f}")
    return search


if __name__ == "__main__":
    main()
