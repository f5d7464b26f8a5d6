"""Section 3.3's claim: dropping in training, and multiplying by 1 - p in testing, keeps what units put out.

Run `python course.py evidence scaling`. The article's form of dropout (0 or 1 in training, 1 - p in testing)
is compared with the inverted one (0 or 1/(1 - p) in training, nothing in testing):

- "expected": what a model puts out in training, averaged over many masks, minus what it puts out in testing;
  with dropout before the linear head for both forms and, for the inverted one, on the inputs too, where the
  LSTM's nonlinearities stand between. "bias" is the mean, "squared_bias" the mean square without the noise
  of the masks: the product of the means over two halves of them;
- "converted": with the head's weights divided by 1 - p, the article's form computes the same as the inverted
  one, in testing and with the same masks in training: the largest difference, by seed;
- "trained": both train from the same weights with the same masks and batches; the difference of their test
  losses. Rates are given, not chosen. The two count as equal if the whole interval of the difference lies
  within ``MARGIN`` of 0, a bound set before anything was trained.
"""

import numpy as np
import torch
from torch import Tensor, nn

from labcode.applications.models import build_model
from labcode.data.dataset import Dataset
from labcode.dropout import classic_dropout_torch, dropout_mask_torch, dropout_torch
from labcode.experiments.effects import compare
from labcode.experiments.kept_runs import runs_of_arrays
from labcode.experiments.records import Record
from labcode.experiments.runs import Run
from labcode.experiments.snapshots import Trained, train_and_keep
from labcode.experiments.study import Study
from labcode.experiments.tasks import load
from labcode.training.batches import evaluation_mode

TASKS = {"weather": 30, "speech_vowels": 1}  # block of neighbouring test items
BUDGET = {"epochs": 25, "batch_size": 64, "learning_rate": 1e-2}
HIDDEN, PATIENCE, RATES = 32, 5, (0.5,)
FORMS = ("inverted", "article")
MARGIN = (
    0.02  # in units of the loss; no change of temperature has a loss of about 1, guessing a speaker of 2.2
)
MASKS, ITEMS = 100, 50  # masks and test items for expectations


class HeadDropout(nn.Module):
    """Dropout on what the head reads, in one of the two forms, before a linear head."""

    def __init__(self, head: nn.Linear, rate: float, form: str):
        super().__init__()
        self.head, self.rate, self.form = head, rate, form

    def forward(self, read: Tensor) -> Tensor:
        """Return (B, outputs) for what the LSTM holds at its end, (B, H)."""
        mask = None
        if self.training:
            mask = dropout_mask_torch(read.shape, self.rate, generator=torch.default_generator)
        return self.head(self.masked(read, mask))

    def masked(self, read: Tensor, mask: Tensor | None) -> Tensor:
        """Return what the head reads: with an inverted mask in training, with None in testing."""
        if self.form == "article":
            return classic_dropout_torch(read, self.rate, None if mask is None else mask > 0)
        return read if mask is None else dropout_torch(read, mask)


def run(seed: int, *, task: str, form: str, rate: float, epochs: int) -> dict:
    """Train one model, with dropout of one form before its head.

    Returns:
        The validation curve; "last" and "early", the test items' losses; "expected", numbers by place.
    """

    def build(dataset: Dataset, **options) -> nn.Module:
        model = build_model(dataset, **options)
        model.head = HeadDropout(model.head, rate, form)
        return model

    dataset, settings = load(task, seed), BUDGET | {"epochs": epochs}
    trained = train_and_keep(
        Run(task=task, model=(("hidden_size", HIDDEN),), methods=(), seed=seed, **settings),
        build=build,
        measure_train=False,
    )
    record = {"validation": np.round(trained.history.validation_loss, 5).tolist()}
    for variant, epoch in {"early": trained.kept(PATIENCE), "last": epochs - 1}.items():
        trained.at(epoch)
        record[variant] = np.round(trained.item_losses(dataset, "test"), 5).tolist()
    return record | expectations(trained, dataset, rate, seed)


def expectations(trained: Trained, dataset: Dataset, rate: float, seed: int) -> dict:
    """Return how far the mean over masks is from the output in testing, before the head and on the inputs.

    Returns:
        "head" and "input": "bias" and "squared_bias" of each of some test items; "converted": the largest
        difference between the two forms after the conversion.
    """
    model, part = trained.model, dataset.test.subset(slice(ITEMS))
    x, _, *padding_mask = (torch.from_numpy(np.array(array)) for array in part)
    reads: list[Tensor] = []
    handle = model.head.register_forward_pre_hook(lambda _, inputs: reads.append(inputs[0]))
    generator = torch.Generator().manual_seed(seed)
    with evaluation_mode(model):
        testing, read = model(x, *padding_mask), reads[0]
        handle.remove()
        head = model.head
        masks = [dropout_mask_torch(read.shape, rate, generator=generator) for _ in range(MASKS)]
        found = {"head": bias([head.head(head.masked(read, mask)) for mask in masks], testing)}
        size = (len(x), 1, x.shape[2])
        outputs = [
            model(x * dropout_mask_torch(size, rate, generator=generator), *padding_mask) for _ in masks
        ]
        found["input"] = bias(outputs, testing)
        found["converted"] = converted(head, read, masks[0])
    return found


def bias(outputs: list[Tensor], testing: Tensor) -> dict:
    """Return mean and noise-free mean square of (mean over masks - testing), for each item."""
    differences = torch.stack(outputs).double() - testing.double()
    first, second = differences[::2].mean(dim=0), differences[1::2].mean(dim=0)
    found = {"bias": (first + second) / 2, "squared_bias": first * second}
    return {name: np.round(values.mean(dim=1).numpy(), 7).tolist() for name, values in found.items()}


def converted(head: HeadDropout, read: Tensor, mask: Tensor) -> float:
    """Return the largest difference between the two forms if the article's weights are divided by 1 - p."""
    inverted, article = (HeadDropout(head.head, head.rate, form) for form in FORMS)
    weight, bias_of_head = head.head.weight, head.head.bias
    differences = [
        nn.functional.linear(inverted.masked(read, m), weight, bias_of_head)
        - nn.functional.linear(article.masked(read, m), weight / (1 - head.rate), bias_of_head)
        for m in (None, mask)
    ]
    return float(torch.stack(differences).abs().max())


def summarize_task(records: dict[tuple[str, float], list[dict]], block: int) -> dict:
    """Return the effects on one task, from the records of all seeds by form and rate."""
    rates = sorted({rate for _, rate in records})

    def array(form: str, rate: float, *path: str) -> np.ndarray:
        found = records[form, rate]
        for step in path:
            found = [record[step] for record in found]
        return np.array(found).reshape(len(found), -1)

    trained = {
        f"{variant}_{rate:g}": array("article", rate, variant) - array("inverted", rate, variant)
        for rate in rates
        for variant in ("last", "early")
    }
    expected = {
        f"{place}_{form}_{rate:g}": array(form, rate, place, "bias")
        for rate in rates
        for form, place in (("article", "head"), ("inverted", "head"), ("inverted", "input"))
    }
    squared = {
        f"{place}_{rate:g}": array("inverted", rate, place, "squared_bias")
        for rate in rates
        for place in ("head", "input")
    }
    few = min(block, ITEMS // 5)  # of the few items that expectations were computed for, at least five blocks
    same = {f"{form}_{rate:g}": array(form, rate, "converted") for form in FORMS for rate in rates}
    return {
        "trained": compare(trained, block=block),
        "expected": compare(expected, block=few),
        "squared_bias": compare(squared, block=few),
        "converted": compare(same),
        "test": {
            f"{form}_{variant}_{rate:g}": round(float(array(form, rate, variant).mean()), 4)
            for form, rate in records
            for variant in ("last", "early")
        },
    }


def main() -> None:
    """Run everything, and write record and result."""
    study = Study(__file__)
    epochs = study.epochs(BUDGET["epochs"])
    for task in TASKS:
        for rate in RATES:
            for form in FORMS:
                about = {"task": task, "form": form, "rate": rate, "epochs": epochs}
                settings = [about | {"seed": seed} for seed in study.seeds(10)]
                runs = study.map(run, settings, f"{task}, {form} {rate:g}")
                study.keep_runs(f"{task}/{form}/{rate:g}", runs)
    about = {"hidden": HIDDEN, "seeds": 10, "patience": PATIENCE, "margin": MARGIN, "masks": MASKS}
    study.save(summary, settings=BUDGET | about)


def summary(record: Record) -> dict:
    """Return the effects on every task."""
    found = {}
    for task, block in TASKS.items():
        runs = {
            (form, rate): runs_of_arrays(record.under(f"{task}/{form}/{rate:g}/"))
            for rate in RATES
            for form in FORMS
        }
        found[task] = summarize_task(runs, block)
    return {"settings": record.about["settings"], "summary": found}


if __name__ == "__main__":
    main()
