"""A loop of one's own, for what `fit` leaves out: data larger than memory, accumulation, mixed precision.

Samples have weights of their own by one line, `(weights * mse_loss(..., reduction="none")).mean()`.
Everything of labcode that `fit` takes as an argument is a plain call here.
"""

import torch
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, IterableDataset

from labcode.constraints import constrain_, max_norm_torch
from labcode.early_stopping import EarlyStopping
from labcode.lstm import SequenceModel
from labcode.penalties import l2_penalty_torch, penalty_by_target
from labcode.training import evaluate

STRENGTHS = {"input": 1e-4, "recurrent": 1e-3}


class Waves(IterableDataset):
    """Stands for data that never fit in memory: samples come one by one, here from a generator."""

    def __init__(self, samples, seed):
        self.samples, self.seed = samples, seed

    def __iter__(self):
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(self.samples):
            start = 6.28 * torch.rand((), generator=generator)
            wave = torch.sin(start + torch.arange(21) / 3)
            yield wave[:20, None], wave[20:]


def train(model, epochs=5, batch_size=16, accumulate=2, device="cpu", seed=0):
    optimizer = torch.optim.Adam(model.to(device).parameters(), lr=0.01)
    stopping = EarlyStopping(patience=2, restore_best_weights=True)
    validation = [torch.stack(parts) for parts in zip(*Waves(64, seed=1), strict=True)]
    for epoch in range(epochs):
        model.train()
        for step, (x, y) in enumerate(DataLoader(Waves(512, seed), batch_size), start=1):
            with torch.autocast(device, dtype=torch.bfloat16):
                loss = mse_loss(model(x.to(device)).float(), y.to(device))
            loss = loss + penalty_by_target(l2_penalty_torch, dict(model.lstm.named_parameters()), STRENGTHS)
            (loss / accumulate).backward()
            if step % accumulate == 0:
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
                constrain_(model, {"recurrent": lambda u: max_norm_torch(u, 3.0)})
        loss = evaluate(model, validation)["loss"]
        if stopping.update(epoch, loss, model.state_dict()):
            break
    model.load_state_dict(stopping.weights_to_restore())
    return stopping.best


if __name__ == "__main__":
    torch.manual_seed(0)
    print(f"best validation loss {train(SequenceModel(1, 16, 1, recurrent_dropout=0.1)):.4f}")
