"""Monte Carlo dropout: a model's answers with dropout left on, many times over."""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from labcode._checks import check_instance, check_integer, check_number
from labcode.training.batches import evaluation_mode, prepare_inputs


def monte_carlo_predict(
    model: nn.Module,
    x,
    passes: int,
    *,
    generator: torch.Generator,
    padding_mask=None,
    batch_size: int | None = None,
    noise_std: float = 0.0,
) -> Tensor:
    """Predict with dropout on, several times: each pass draws the model's masks anew.

    With locked masks each pass is one thinned model that is used for the whole sequence. The mean over
    passes is a prediction; their spread says how far the thinned models disagree. What the targets scatter
    around the truth is not in it: that is ``noise_std``, 1 / sqrt(tau) in the paper, and without it the
    spread is no interval for a target.

    Dropout alone is on. What keeps a state from batch to batch, such as batch normalization, stays in
    evaluation mode, and every module has its own mode back afterwards.

    Args:
        model: a model with some dropout. If its ``forward`` takes a ``generator``, as ``SequenceModel``'s
            does, it is given this one; else torch's global generators draw the masks, seeded from it for
            the time of the call.
        x: inputs, (N, T, F) of floats, or (N, T) of tokens.
        passes: how often to predict, at least 1.
        generator: source of all randomness, on the CPU.
        padding_mask: (N, T) of booleans, True for a real step, or None.
        batch_size: samples that are computed at once, None for all; each batch draws masks of its own.
        noise_std: standard deviation of the targets around the truth, in their unit: noise of that size is
            added to every prediction. Take it from validation data.

    Returns:
        Predictions, (passes, N, outputs), on the CPU.

    Raises:
        ValueError: inputs that do not fit the model, fewer than one pass, no generator.

    Warns:
        RuntimeWarning: all passes are the same, since nothing in the model is random.

    Source: Gal & Ghahramani (2016), "Dropout as a Bayesian approximation: representing model uncertainty in
        deep learning". Chapter 4.
    """
    check_instance("model", model, nn.Module, "a model")
    check_instance("generator", generator, torch.Generator, "a torch.Generator")
    passes, noise_std = check_integer("passes", passes, low=1), check_number("noise_std", noise_std, low=0.0)
    inputs = prepare_inputs(x, padding_mask, model)
    size = len(inputs[0]) if batch_size is None else check_integer("batch_size", batch_size, low=1)
    batches = list(zip(*(tensor.split(size) for tensor in inputs), strict=True))
    with dropout_mode(model), _randomness(model, generator) as given:
        predicted = torch.stack(
            [torch.cat([model(*batch, **given).cpu() for batch in batches]) for _ in range(passes)]
        )
    if passes > 1 and bool((predicted == predicted[0]).all()):
        message = "all passes are the same: nothing in this model is random (no dropout set, or a rate of 0)"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    if noise_std > 0:
        noise = torch.empty_like(predicted).normal_(generator=generator)
        predicted = predicted + noise_std * noise
    return predicted


@contextmanager
def dropout_mode(model: nn.Module) -> Iterator[None]:
    """Switch gradients off and dropout on inside the block; each module has its own mode back afterwards.

    Modules without parts of their own that hold buffers keep a state from batch to batch (running means, the
    vectors of a spectral norm): they stay in evaluation mode.
    """
    with evaluation_mode(model):
        for module in model.modules():
            keeps_state = any(True for _ in module.buffers(recurse=False))
            is_leaf = not any(True for _ in module.children())
            module.training = not (keeps_state and is_leaf)
        yield


@contextmanager
def _randomness(model: nn.Module, generator: torch.Generator) -> Iterator[dict[str, torch.Generator]]:
    """Hand the generator to a model that takes one; else seed torch's global ones for the block."""
    if "generator" in inspect.signature(model.forward).parameters:
        yield {"generator": generator}
        return
    device = next(model.parameters()).device
    kept = {"devices": []} if device.type == "cpu" else {"devices": [device], "device_type": device.type}
    with torch.random.fork_rng(**kept):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator, device=generator.device)))
        yield {}
