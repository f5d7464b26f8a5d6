"""Monte Carlo dropout: a model's answers with dropout left on, many times over."""

import torch
from torch import Tensor, nn

from labcode._checks import check_instance, check_integer
from labcode.training.batches import prepare_inputs


def monte_carlo_predict(model: nn.Module, x, passes: int, *, generator: torch.Generator) -> Tensor:
    """Predict with dropout on, several times: each pass draws the model's masks anew.

    With locked masks each pass is one thinned model that is used for the whole sequence. The mean over
    passes is a prediction; the spread says how far the thinned models disagree, and nothing about noise in
    the targets.

    Args:
        model: one that takes a ``generator``, such as ``SequenceModel``, with at least one dropout set; its
            mode is as before afterwards.
        x: inputs, (N, T, F) of floats.
        passes: how often to predict, at least 1.
        generator: source of the masks, on the CPU.

    Returns:
        Predictions, (passes, N, outputs), on the CPU.

    Raises:
        ValueError: inputs that do not fit the model, fewer than one pass, no generator.

    Source: Gal & Ghahramani (2016), "Dropout as a Bayesian approximation: representing model uncertainty in
        deep learning". Chapter 4.
    """
    check_instance("model", model, nn.Module, "a model")
    check_instance("generator", generator, torch.Generator, "a torch.Generator")
    passes, was_training = check_integer("passes", passes, low=1), model.training
    (x,) = prepare_inputs(x, None, model)
    model.train()
    try:
        with torch.no_grad():
            return torch.stack([model(x, generator=generator) for _ in range(passes)]).cpu()
    finally:
        model.train(was_training)
