"""A SequenceModel as a LightningModule: each of labcode's techniques in the hook where it belongs."""

import lightning as L
import torch
from torch.nn.functional import mse_loss

from labcode.constraints import constrain_, max_norm_torch
from labcode.lstm import SequenceModel
from labcode.optimizers import ProximalAdam
from labcode.penalties import activation_penalty_torch, l2_penalty_torch, penalty_by_target


class Regularized(L.LightningModule):
    """Locked dropout in the model, L2 and AR in the loss, L1 in the optimizer, max-norm after its step."""

    def __init__(self, recurrent_dropout=0.0, lam_l2=1e-3, lam_l1=1e-5, alpha=0.01, limit=1.0):
        super().__init__()
        self.save_hyperparameters()
        self.model = SequenceModel(6, 16, 1, recurrent_dropout=recurrent_dropout)
        self.model.lstm.register_forward_hook(self._keep_outputs)

    def _keep_outputs(self, module, inputs, returned):
        self.outputs = returned[0]

    def training_step(self, batch, batch_index):
        x, y = batch
        loss = mse_loss(self.model(x), y)
        weights = dict(self.model.lstm.named_parameters())
        loss = loss + penalty_by_target(l2_penalty_torch, weights, {"recurrent": self.hparams.lam_l2})
        return loss + activation_penalty_torch(self.outputs, self.hparams.alpha)

    def validation_step(self, batch, batch_index):
        x, y = batch
        self.log("validation_loss", mse_loss(self.model(x), y), prog_bar=True)

    def configure_optimizers(self):
        return ProximalAdam(self.parameters(), lr=3e-3, lam_l1=self.hparams.lam_l1)

    def optimizer_step(self, epoch, batch_index, optimizer, closure=None):
        super().optimizer_step(epoch, batch_index, optimizer, closure)
        with torch.no_grad():
            constrain_(self.model, {"recurrent": lambda u: max_norm_torch(u, self.hparams.limit)})


def trainer(epochs, **options):
    """Return a Trainer that stops early and writes nothing to the disk."""
    stopping = L.pytorch.callbacks.EarlyStopping("validation_loss", patience=5)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False}
    return L.Trainer(max_epochs=epochs, callbacks=[stopping], **quiet | options)
