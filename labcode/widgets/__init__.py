"""The course's interactive figures: each is a plain object with a `draw` method, and a thin ipywidgets shell.

A widget never trains; it redraws curves that were computed before, or that follow from a formula. `draw`
returns a PNG picture, which takes tens of milliseconds and can be tested without a browser.
"""

from labcode.widgets.applications import MethodExplorer
from labcode.widgets.basics import GateMemory, SeedInterval
from labcode.widgets.cell import CellExplorer
from labcode.widgets.constraints import VectorUnderConstraints
from labcode.widgets.curves import CurveExplorer
from labcode.widgets.decay import ShrinkageFactors
from labcode.widgets.diagnosis import DiagnosisExplorer
from labcode.widgets.language import TemperatureExplorer
from labcode.widgets.libraries import LibraryExplorer
from labcode.widgets.memory import MemoryExplorer
from labcode.widgets.noise import DrawAgain, UnrolledCell
from labcode.widgets.penalties import MagnitudeExplorer
from labcode.widgets.project import StrengthExplorer
from labcode.widgets.search import BudgetExplorer
from labcode.widgets.sparsity import DiamondAndDisk
from labcode.widgets.stopping import OwnTrace, PatienceExplorer
from labcode.widgets.weights import Chatter, OneWeight, RidgeError

__all__ = [
    "BudgetExplorer",
    "CellExplorer",
    "Chatter",
    "CurveExplorer",
    "DiagnosisExplorer",
    "DiamondAndDisk",
    "DrawAgain",
    "GateMemory",
    "LibraryExplorer",
    "MagnitudeExplorer",
    "MemoryExplorer",
    "MethodExplorer",
    "OneWeight",
    "OwnTrace",
    "PatienceExplorer",
    "RidgeError",
    "SeedInterval",
    "ShrinkageFactors",
    "StrengthExplorer",
    "TemperatureExplorer",
    "UnrolledCell",
    "VectorUnderConstraints",
]
