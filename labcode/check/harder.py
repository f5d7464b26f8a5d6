"""Harder variants: what to try once a task is solved, with a way to check it oneself."""

import re
import textwrap

HARDER = {
    # Exercise 1
    "generalization_gap": (
        "let it take runs of several seeds as well, (seeds, epochs), and return their mean by epoch. "
        "`assert np.allclose(generalization_gap([[1, 2]] * 3, [[2, 4]] * 3), [1, 2])`"
    ),
    "l2_penalty": (
        "take a dictionary of strengths, one for each name, in place of lam. With one strength for all "
        "weights and 0 for the biases it must agree with what you have."
    ),
    "stopping_epoch": (
        "add `min_delta`: only a loss smaller than the best by more than that is a new best. `assert "
        "stopping_epoch([1, 0.99, 0.98], 2, min_delta=0.1) == 2`"
    ),
    "overfit_on_purpose": (
        "let the model learn noise: shuffle the rows of y in `train` alone. It can still learn them by "
        "heart: `assert train_loss[-1] < 0.5 * np.var(train.y)`"
    ),
    # Exercise 2
    "inverted_dropout": (
        "draw the mask yourself, from a generator that is handed in. Its mean must be near 1: `assert "
        "abs(mask.mean() - 1) < 0.01` for a million entries."
    ),
    # Exercise 3
    "l2_step": (
        "decouple it (AdamW): shrink the weights first, then take the step. For plain gradient descent "
        "both are one: `assert np.allclose(decoupled[name], coupled[name])` for each name."
    ),
    "locked_mask": (
        "lock it for blocks of k steps only. `assert (mask[:, :k] == mask[:, :1]).all()`, and the next "
        "block differs."
    ),
    "clip_and_step": (
        "clip by the largest entry in place of the length. `assert max(abs(g).max() for g in "
        "clipped.values()) <= limit`"
    ),
    "max_norm": (
        "add a lower limit, as Keras's MinMaxNorm has: rows that are too short are stretched. `assert "
        "(np.linalg.norm(new, axis=1) >= low - 1e-9).all()` for rows that are not 0."
    ),
    "lstm_with_recurrent_dropout": (
        "give it a second layer, which reads the outputs of the first. With masks of ones it must agree "
        "with `torch.nn.LSTM(F, H, num_layers=2, batch_first=True)`."
    ),
    "train_with_early_stopping": (
        "return an average of the weights of the last three epochs before the stop, too. With one epoch "
        "it must be that epoch's weights."
    ),
    "train_with_max_norm": (
        "limit the COLUMNS of U in place of its rows, and see which of the two binds first. `assert "
        "model.lstm.weight_hh_l0.norm(dim=0).max() <= limit * 1.0001`"
    ),
    # Exercise 4
    "soft_threshold": (
        "shrink whole rows by their length (group lasso). A matrix with one column must give what you "
        "have: `assert np.allclose(by_rows(w[:, None], t)[:, 0], soft_threshold(w, t))`"
    ),
    # Exercise 5
    "from_keras_config": (
        "let it refuse what it does not know, such as `activity_regularizer`, with a ValueError that "
        "names it. An unknown key that is passed over is a setting that is lost."
    ),
    "to_keras_config": (
        "prove the round trip on random strengths: `assert to_keras_config(*(from_keras_config(config)[k]"
        " for k in ('l1', 'l2'))) == config`"
    ),
    "keras_output": (
        "average a thousand outputs with training=True and new masks: they must come near "
        "`keras_output(x, weight, kept, p, False)`. Why would they not, with a tanh behind the layer?"
    ),
    "max_norm_of_keras": (
        "take `axis=(0, 1)`, one norm for the whole kernel. `assert np.linalg.norm(max_norm_of_keras(w, "
        "1.0, (0, 1))) <= 1 + 1e-9`"
    ),
    "kept_epoch": (
        "add Keras's `start_from_epoch`. `assert kept_epoch([0.1, 1, 0.9, 0.95, 0.97], 2, True, start=1) "
        "== 2`"
    ),
    "planted_mistakes": (
        "repair the three lines and run the script on random data: two calls of the model in evaluation "
        "must agree to the last bit."
    ),
    "train_as_keras": (
        "run Keras's own fit beside it, from the same weights, with PyTorch's bias_hh at 0 and frozen: "
        "`assert np.allclose(ours, theirs, atol=1e-3)` for the forecasts of both after training."
    ),
    # Exercise 6
    "split_by_time": "leave a gap of g days between the parts. With g = 0 it must give what you have.",
    "regularized_model": (
        "reach the same with half of the training days, `train.last(0.5)`, on the validation loss alone."
    ),
    # Exercise 7
    "weights_for_keras": (
        "do it for a GRU, whose Keras bias has two rows (reset_after). The proof is the same: `assert "
        "np.allclose(theirs, ours, atol=1e-5)` for the outputs."
    ),
    "weights_for_pytorch": (
        "do it for a layer that was made with `use_bias=False`, and for two layers, named _l0 and _l1."
    ),
    "bias_sum": ("add momentum. With momentum 0 it must give what you have; is the factor still 2 with it?"),
    "reorder_gates": (
        "return the permutation of the 4H rows in place of the matrix. `assert (w[permutation] == "
        "reorder_gates(w, source, target)).all()`"
    ),
    "same_settings": (
        "say by which factor each pair differs in place of True and False; 1 where they mean the same."
    ),
    "speed_ratio": (
        "add a 95 % interval of the median by the bootstrap (`rng.choice` of rounds, with replacement). "
        "It must contain the median, and get narrower with more rounds."
    ),
    "find_faults": (
        "find a fourth fault: a mask that is new at every step where it should be locked. Which x shows it?"
    ),
    "train_and_carry": (
        "carry over a Bidirectional LSTM. PyTorch's names of the backward direction end in `_reverse`; "
        "the outputs must agree to 1e-5 again."
    ),
    # Exercise 8
    "with_temperature": (
        "keep only the k most probable tokens before you draw (top-k). `assert (probabilities > 0).sum() "
        "== k`"
    ),
    # Exercise 9
    "log_uniform": (
        "draw whole numbers on a logarithmic scale, such as units from 8 to 512. Half of them should lie "
        "below 64."
    ),
    "compare_searches": ("let a third search take part: a grid of two strengths with twice the seeds each."),
    "random_search": (
        "stop early what is worse than the median after half of its epochs. It must never find a better "
        "loss than the same search without stopping."
    ),
    "one_standard_error": (
        "take the error of the paired differences to the best setting in place of that of its losses. It "
        "is usually smaller: does it choose another strength?"
    ),
    "nested_estimate": (
        "measure the optimism: the inner minus the outer loss, on noise without any signal. Its mean over"
        " many draws must be below 0."
    ),
    "rule_of_thumb": (
        "smooth the validation curve by a running median of three epochs first, so that a single jump "
        "does not make a run overfit."
    ),
    "read_runs": (
        "say which single check would have told each pair of cases apart, and whether one check suffices "
        "for all."
    ),
    "samples_needed": (
        "turn it around: which margin can 365 days tell? `samples_needed(x, margin)` must then be near 365."
    ),
    "three_leaks": "plant a fourth one in the description, and let somebody else find it.",
    "fair_comparison": (
        "add the interval by the bootstrap over seeds, both methods with the same draw. For many seeds it"
        " must come near the mean plus and minus two standard errors."
    ),
    "repair_run": (
        "repair the run that overfits without making it shorter, by `l2` alone. Its validation loss must "
        "again be below that of the run as it was."
    ),
}


def harder(checker, fn, collected, verdict) -> list[str]:
    """Return the harder variant of a task that is solved."""
    text = HARDER.get(checker.name) if verdict.right else None
    if not text:
        return []
    whole = re.sub("`[^`]*`", lambda code: code[0].replace(" ", "\0"), f"Harder: {text}")  # code in one line
    return [line.replace("\0", " ") for line in textwrap.wrap(whole, 100, break_long_words=False)]
