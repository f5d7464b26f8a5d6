"""Write a translation: greedily, or by a beam search that keeps several beginnings."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from labcode._checks import check_integer, check_number
from labcode.applications.seq2seq import Seq2Seq
from labcode.data.translation import END, PADDING, START
from labcode.training.batches import evaluation_mode, prepare_inputs


def greedy_search(
    model: Seq2Seq,
    x: Tensor | np.ndarray,
    padding_mask: Tensor | np.ndarray | None = None,
    *,
    longest: int = 20,
) -> list:
    """Translate by taking the most probable token at each step.

    Args:
        model: a trained model; it is used in evaluation mode.
        x: source tokens, (N, T), a NumPy array or a tensor of whole numbers.
        padding_mask: (N, T) of booleans, True at real tokens, or None.
        longest: tokens after which a translation is cut, the end not counted.

    Returns:
        For each source the list of its tokens, without the end.

    Raises:
        ValueError: inputs that do not fit, or a length below 1.

    Chapter 6.2.
    """
    x, *mask = prepare_inputs(x, padding_mask, model)
    longest = check_integer("longest", longest, low=1)
    with evaluation_mode(model):
        state = model.encode(x, mask[0] if mask else None)
        token, written = x.new_full((len(x), 1), START), []
        for _ in range(longest):
            logits, state = model.decode(token, state)
            token = _allowed(logits[:, -1]).argmax(dim=1, keepdim=True)
            written.append(token)
    return [_until_end(tokens) for tokens in torch.cat(written, dim=1).tolist()]


def beam_search(
    model: Seq2Seq,
    x: Tensor | np.ndarray,
    padding_mask: Tensor | np.ndarray | None = None,
    *,
    width: int = 4,
    longest: int = 20,
    length_power: float = 0.0,
) -> list[list[tuple[list[int], float]]]:
    """Translate by keeping the ``width`` most probable beginnings at each step.

    Args:
        model: a trained model; it is used in evaluation mode.
        x: source tokens, (N, T), a NumPy array or a tensor of whole numbers.
        padding_mask: (N, T) of booleans, True at real tokens, or None.
        width: beginnings that are kept; 1 is greedy search.
        longest: tokens after which a translation is cut, the end not counted.
        length_power: translations are compared by log-probability / length ** length_power, the end counted:
            0 favours short ones, 1 compares the mean of a token.

    Returns:
        For each source its best translations, best first, at most ``width``: (tokens without the end, score).

    Raises:
        ValueError: inputs that do not fit, a width or length below 1, or a power below 0.

    Source: Graves (2012), "Sequence transduction with recurrent neural networks"; Wu et al. (2016) for the
        length. Chapter 6.2.
    """
    x, *mask = prepare_inputs(x, padding_mask, model)
    width, longest = check_integer("width", width, low=1), check_integer("longest", longest, low=1)
    power = check_number("length_power", length_power, low=0.0)
    with evaluation_mode(model):
        h, c = model.encode(x, mask[0] if mask else None)
        each = [(h[:, n : n + 1], c[:, n : n + 1]) for n in range(len(x))]
        return [_search_one(model.decode, state, width, longest, power) for state in each]


def _search_one(
    decode: Callable, state: tuple[Tensor, Tensor], width: int, longest: int, power: float
) -> list[tuple[list[int], float]]:
    """Search for one source: a batch of open beginnings, and those that have come to their end."""
    tokens, total, finished = state[0].new_full((1, 1), START, dtype=torch.int64), state[0].new_zeros(1), []
    for length in range(1, longest + 1):
        logits, state = decode(tokens[:, -1:], state)
        scores = total[:, None] + torch.log_softmax(_allowed(logits[:, -1]), dim=1)
        best = scores.flatten().topk(min(width, scores.numel()))
        possible = best.values > -torch.inf
        chosen, total = best.indices[possible], best.values[possible]
        rows, new = chosen // scores.shape[1], chosen % scores.shape[1]
        tokens = torch.cat([tokens[rows], new[:, None]], dim=1)
        done = new == END
        finished += [(_until_end(t[1:]), s / length**power) for t, s in _as_lists(tokens[done], total[done])]
        tokens, total, rows = tokens[~done], total[~done], rows[~done]
        if len(tokens) == 0 or (power == 0 and _decided(finished, total, width)):
            break
        state = state[0][:, rows], state[1][:, rows]
    else:
        finished += [(t[1:], s / longest**power) for t, s in _as_lists(tokens, total)]
    return sorted(finished, key=lambda pair: -pair[1])[:width]


def _decided(finished: list, total: Tensor, width: int) -> bool:
    """Say whether no open beginning can still be among the best: a longer one is never more probable."""
    return len(finished) >= width and sorted(score for _, score in finished)[-width] >= total.max().item()


def _allowed(logits: Tensor) -> Tensor:
    """Rule out the tokens that no translation holds: padding and start."""
    return logits.index_fill(-1, torch.tensor([PADDING, START], device=logits.device), -torch.inf)


def _as_lists(tokens: Tensor, total: Tensor) -> list[tuple[list[int], float]]:
    return list(zip(tokens.tolist(), total.tolist(), strict=True))


def _until_end(tokens: list[int]) -> list[int]:
    return tokens[: tokens.index(END)] if END in tokens else tokens
