"""Training a language model as AWD-LSTM is: piece after piece of a text, the state carried along.

``labcode.training.fit`` shuffles windows that begin at zero. Here the LSTM reads on where it stopped
(truncated back-propagation through time), pieces may vary in length, AR sees what the head reads and TAR what
the LSTM puts out, and from some epoch on the weights may be averaged (NT-ASGD).
"""

from collections.abc import Iterator

import torch
from numpy import ndarray
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim.swa_utils import AveragedModel

from labcode._checks import check_instance, check_integer, check_number, check_one_of, expect
from labcode.applications.language import Corpus, streams
from labcode.applications.language_model import LanguageModel, Reading
from labcode.averaging import NonMonotonicTrigger
from labcode.early_stopping import EarlyStopping
from labcode.label_smoothing import smoothed_cross_entropy_torch
from labcode.penalties import activation_penalty_torch, temporal_activation_penalty_torch
from labcode.training.batches import evaluation_mode
from labcode.training.epochs import OnEpochEnd, run_epochs
from labcode.training.history import History

PIECE = 256  # characters that are read at once where nothing is learned
SHORTEST = 5  # characters in a piece that is learned from


def fit_language_model(
    model: LanguageModel,
    corpus: Corpus,
    *,
    optimizer: torch.optim.Optimizer,
    epochs: int,
    generator: torch.Generator,
    batch_size: int = 32,
    steps: int = 64,
    vary: bool = False,
    alpha: float = 0.0,
    beta: float = 0.0,
    label_smoothing: float = 0.0,
    clip_norm: float = 1.0,
    averaging: NonMonotonicTrigger | None = None,
    early_stopping: EarlyStopping | None = None,
    on_epoch_end: OnEpochEnd | None = None,
    measure_train: bool = True,
    progress: bool = False,
) -> History:
    """Train a language model in place on a corpus, and return the history of its losses, in nats.

    Args:
        model: the model.
        corpus: its training part is learned, its validation part measured after each epoch.
        optimizer: an optimizer of the model's parameters.
        epochs: passes through the training part.
        generator: draws the pieces' lengths. Dropout draws from torch's global generator, as in ``fit``.
        batch_size: rows that are read side by side.
        steps: characters in a piece, at least 8: how far back gradients reach.
        vary: whether lengths are drawn, so that pieces do not end at the same places in every epoch: from a
            normal distribution around ``steps`` or, one time in twenty, around half of it, with a standard
            deviation of a fourteenth of ``steps``; the step size is scaled with the length.
        alpha, beta: strengths of AR and TAR.
        label_smoothing: epsilon of ``smoothed_cross_entropy``, for learning only.
        clip_norm: largest norm of the whole gradient.
        averaging: rule that says from which epoch on the weights are averaged; None for never. From then on
            it is the averaged model that is measured, kept and, at the end, handed over.
        early_stopping, on_epoch_end, measure_train, progress: as in ``fit``.

    Returns:
        The history; its losses are means over the characters.

    Raises:
        ValueError: an argument that does not fit.
        FloatingPointError: a loss or a weight became NaN or infinite.

    Source: Merity, Keskar & Socher (2018), "Regularizing and optimizing LSTM language models". Chapter 8.
    """
    check_instance("model", model, LanguageModel, "a LanguageModel")
    check_instance("corpus", corpus, Corpus, "a Corpus")
    check_instance("generator", generator, torch.Generator, "a torch.Generator")
    check_one_of("vary", vary, (True, False))
    expect(check_number("clip_norm", clip_norm, low=0.0) > 0, "clip_norm", "a number above 0", clip_norm)
    how = {"steps": check_integer("steps", steps, low=8), "vary": vary, "generator": generator}
    learned = {"alpha": check_number("alpha", alpha, low=0.0), "beta": check_number("beta", beta, low=0.0)}
    learned |= {"label_smoothing": check_number("label_smoothing", label_smoothing, low=0.0, high=1.0)}
    rows = [torch.tensor(part, device=_device(model)) for part in streams(corpus.train, batch_size)]
    averaged = None

    def train_epoch() -> float:
        nonlocal averaged
        if averaging is not None and averaging.triggered and averaged is None:
            averaged = AveragedModel(model)
        return _train_epoch(model, rows, optimizer, averaged, clip_norm, how, learned)

    def measure() -> tuple[LanguageModel, dict[str, float]]:
        reached = model if averaged is None else averaged.module
        parts = {"train": corpus.train} if measure_train else {}
        parts |= {"validation": corpus.validation}
        losses = {f"{name}_loss": float(text_losses(reached, part).mean()) for name, part in parts.items()}
        if averaging is not None and averaged is None:
            averaging.update(losses["validation_loss"])
        return reached, losses

    history = run_epochs(
        model,
        check_integer("epochs", epochs, low=1),
        train_epoch=train_epoch,
        measure=measure,
        early_stopping=early_stopping,
        on_epoch_end=on_epoch_end,
        progress=progress,
    )
    if averaged is not None and (early_stopping is None or early_stopping.best_weights is None):
        model.load_state_dict(averaged.module.state_dict())
    return history


def text_losses(model: LanguageModel, tokens: ndarray, *, batch_size: int = 64) -> ndarray:
    """Return the loss of each character of a text, in nats, in evaluation mode.

    The text is laid out in rows; the model reads each from a zero state, without a break.

    Args:
        model: the model; its mode is as before afterwards.
        tokens: the text, (N,) of whole numbers.
        batch_size: rows; fewer lose fewer characters' contexts, more are faster.

    Returns:
        The losses, float64, in the order of the text: (N - 1) // batch_size for each row.

    Raises:
        ValueError: no text, or one with fewer characters than rows.

    Chapter 8.
    """
    x, y = (torch.tensor(part, device=_device(model)) for part in streams(tokens, batch_size))
    state, losses = None, []
    with evaluation_mode(model):
        for piece, wanted in zip(x.split(PIECE, dim=1), y.split(PIECE, dim=1), strict=True):
            reading = model.read(piece, state)
            state = reading.state
            flat = reading.logits.transpose(1, 2)
            losses.append(torch.nn.functional.cross_entropy(flat, wanted, reduction="none"))
    return torch.cat(losses, dim=1).flatten().cpu().double().numpy()


def piece_lengths(total: int, *, steps: int, vary: bool, generator: torch.Generator) -> Iterator[int]:
    """Yield the lengths of the pieces in which a row is read; a rest of fewer than 5 characters is left out.

    Args:
        total: characters in the row.
        steps, vary, generator: as in ``fit_language_model``.
    """
    while total >= SHORTEST:
        length = steps
        if vary:
            usual = torch.rand(1, generator=generator, device=generator.device) < 0.95
            spread = steps / 14 * torch.randn(1, generator=generator, device=generator.device)
            length = max(SHORTEST, round((steps if usual else steps / 2) + spread.item()))
        yield min(length, total)
        total -= length


def objective_of(
    reading: Reading, y: Tensor, *, alpha: float = 0.0, beta: float = 0.0, label_smoothing: float = 0.0
) -> Tensor:
    """Return what training minimizes for a piece: (smoothed) cross-entropy, AR and TAR, a scalar.

    Args:
        reading: what the model made of the piece.
        y: the right next characters, (B, T) int64.
        alpha, beta, label_smoothing: as in ``fit_language_model``.

    Chapter 8.
    """
    loss = smoothed_cross_entropy_torch(reading.logits.flatten(0, 1), y.flatten(), label_smoothing)
    if alpha:
        loss = loss + activation_penalty_torch(reading.dropped, alpha)
    if beta:
        loss = loss + temporal_activation_penalty_torch(reading.output, beta)
    return loss


def _train_epoch(model, rows, optimizer, averaged, clip_norm, how, learned) -> float:
    """Read the training part once and learn from it; return the mean objective of its characters."""
    model.train()
    state, at, total = None, 0, 0.0
    for length in piece_lengths(rows[0].shape[1], **how):
        x, y = (part[:, at : at + length] for part in rows)
        reading = model.read(x, state)
        state = tuple(part.detach() for part in reading.state)
        loss = objective_of(reading, y, **learned)
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(model.parameters(), clip_norm)
        _step(optimizer, length / how["steps"])
        if averaged is not None:
            averaged.update_parameters(model)
        total += loss.detach() * length
        at += length
    return float(total) / at


def _step(optimizer: torch.optim.Optimizer, scale: float) -> None:
    """Take a step with the step size scaled: a short piece has seen less."""
    rates = [group["lr"] for group in optimizer.param_groups]
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate * scale
    optimizer.step()
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate


def _device(model: LanguageModel) -> torch.device:
    return next(model.parameters()).device
