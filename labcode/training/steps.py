"""One pass through the training data, step by step, and all that ``fit`` can do in a step."""

import inspect
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from labcode._checks import check_instance, check_integer, check_number, expect
from labcode.training.activations import ActivationPenalty, expect_scalar
from labcode.training.batches import OWN_LOOP, run
from labcode.training.evaluation import sum_of_losses
from labcode.training.losses import Loss, in_batches

SPREAD_OUT = ("DataParallel", "DistributedDataParallel", "FullyShardedDataParallel")


@dataclass
class Steps:
    """How a model learns from a batch; the attributes are arguments of :func:`labcode.training.fit`.

    Raises:
        ValueError: an argument that does not fit.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    loss: Loss
    batch_size: int
    penalty: Callable[[nn.Module], Tensor] | None
    activation_penalty: ActivationPenalty | None
    clip_norm: float | None
    constraint: Callable[[nn.Module], None] | None

    def __post_init__(self):
        self.batch_size = check_integer("batch_size", self.batch_size, low=1)
        fits = isinstance(self.generator, torch.Generator)
        expect(fits, "generator", "a torch.Generator", self.generator)
        if self.clip_norm is not None:
            self.clip_norm = check_number("clip_norm", self.clip_norm, low=0.0)
            expect(self.clip_norm > 0, "clip_norm", "a number above 0", self.clip_norm)
        for name, function in (("penalty", self.penalty), ("constraint", self.constraint)):
            expect(function is None or callable(function), name, "a function of the model", function)
        if self.penalty is not None:
            with torch.no_grad():
                value = self.penalty(self.model)
            expect_scalar("penalty(model)", value)

    def epoch(self, tensors: Sequence[Tensor]) -> float:
        """Take a step for each batch of the shuffled data; return the mean of what they minimized.

        Args:
            tensors: x, y and perhaps the padding mask, of all samples.
        """
        self.model.train()
        n, device = len(tensors[0]), tensors[0].device
        order = torch.randperm(n, generator=self.generator, device=self.generator.device).to(device)
        total, entries = sum_of_losses(next(self.model.parameters())), 0
        shuffled = [tensor[order] for tensor in tensors]
        with nullcontext() if self.activation_penalty is None else self.activation_penalty.listening():
            for x, y, mask, count in in_batches(shuffled, self.batch_size, self.loss.task):
                total += self.step(x, y, mask, count) * count
                entries += count
        return total.item() / entries

    def step(self, x: Tensor, y: Tensor, mask: Sequence[Tensor], count: int) -> Tensor:
        """Change the weights once; return what was minimized."""
        self.optimizer.zero_grad()
        objective = self.loss(run(self.model, x, y, mask), y, mask, count)
        if self.penalty is not None:
            objective = objective + self.penalty(self.model)
        if self.activation_penalty is not None:
            objective = self.activation_penalty.added_to(objective, y, mask, self.loss.task)
        objective.backward()
        if self.clip_norm is not None:
            clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        if self.constraint is not None:
            with torch.no_grad():
                self.constraint(self.model)
        return objective.detach()


def check_model(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Check that ``fit`` can train a model with an optimizer.

    Raises:
        ValueError: a model without trainable parameters or on several devices, an optimizer of others or one
            that needs a closure, or autocast.
    """
    check_instance("model", model, nn.Module, "a torch.nn.Module")
    trainable = {id(p): name for name, p in model.named_parameters() if p.requires_grad}
    expect(len(trainable) > 0, "model", "a model with trainable parameters", model)
    devices = sorted({str(p.device) for p in model.parameters()})
    spread = [type(module).__name__ for module in model.modules() if type(module).__name__ in SPREAD_OUT]
    one = f"a model on one device (for several: {OWN_LOOP})"
    expect(len(devices) == 1 and not spread, "model", one, f"{spread} on {devices}")
    autocast = torch.is_autocast_enabled(next(model.parameters()).device.type)
    expect(not autocast, "fit", f"no autocast around it (for mixed precision: {OWN_LOOP})", "one that is on")
    check_instance("optimizer", optimizer, torch.optim.Optimizer, "a torch.optim.Optimizer")
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    plain = closure is None or closure.default is not closure.empty
    expected = f"one whose step needs no closure (for others: {OWN_LOOP})"
    expect(plain, "optimizer", expected, type(optimizer).__name__)
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    missing = [name for key, name in trainable.items() if key not in held]
    foreign = len(held - {id(p) for p in model.parameters()})
    if missing or foreign:
        expected = "an optimizer of all trainable parameters of this model and no others"
        received = f"one that lacks {missing} and holds {foreign} others (was the model made anew after it?)"
        raise ValueError(f"optimizer: expected {expected}, received {received}")
