"""The course's interactive figures: each is a plain object with a `draw` method, and a thin ipywidgets shell.

A widget never trains; it redraws curves that were computed before, or that follow from a formula. `draw`
returns a PNG picture, which takes tens of milliseconds and can be tested without a browser.
"""

from labcode.widgets.applications import MethodExplorer
from labcode.widgets.cell import CellExplorer
from labcode.widgets.curves import CurveExplorer
from labcode.widgets.decay import ShrinkageFactors
from labcode.widgets.diagnosis import DiagnosisExplorer
from labcode.widgets.language import TemperatureExplorer
from labcode.widgets.libraries import LibraryExplorer
from labcode.widgets.memory import MemoryExplorer
from labcode.widgets.penalties import MagnitudeExplorer
from labcode.widgets.project import StrengthExplorer
from labcode.widgets.search import BudgetExplorer
from labcode.widgets.sparsity import DiamondAndDisk
from labcode.widgets.stopping import PatienceExplorer

__all__ = [
    "BudgetExplorer",
    "CellExplorer",
    "CurveExplorer",
    "DiagnosisExplorer",
    "DiamondAndDisk",
    "LibraryExplorer",
    "MagnitudeExplorer",
    "MemoryExplorer",
    "MethodExplorer",
    "PatienceExplorer",
    "ShrinkageFactors",
    "StrengthExplorer",
    "TemperatureExplorer",
]
