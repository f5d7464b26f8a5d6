"""What an experiment needs around the training loop, and the protocol that makes its verdict fair.

Chapters use what this file names. An experiment that is declared in ``evidence/NAME.toml`` runs by
``python course.py evidence NAME``; the files of this folder, in the order in which it passes through them:
``declaration`` (what is tried), ``methods`` and ``tasks`` (on what), ``protocol`` (in which order), ``runs``
(one training), ``execute`` and ``store`` (many, on all cores, none lost), ``evaluation`` (the test split,
once), ``standard_error``, ``families`` and ``effects`` (a difference, and how sure it is), ``summary`` (what
it comes to), ``verdicts`` and ``claims`` (what that says about the article). What all is computed from is
kept by ``records`` and computed again by ``recompute``; ``machine`` says on which processor.

What no declaration can say is a script, ``evidence/NAME.py``, which runs as a ``study`` (``script_hash``
says what it means). Whatever trains a model does it by ``seeded_training``; ``snapshots`` keeps the weights
of every epoch, and ``faulty_runs`` plants one of the ``planted_faults``. Chapters read the results with
``result_tables``.
"""

from labcode.experiments.intervals import paired_interval
from labcode.experiments.results import load_result, losses_at, save_result
from labcode.experiments.seeded_training import train_once

__all__ = ["load_result", "losses_at", "paired_interval", "save_result", "train_once"]
