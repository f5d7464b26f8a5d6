"""The course's interactive figures: each is a plain object with a `draw` method, and a thin ipywidgets shell.

A widget never trains; it redraws curves that were computed before, or that follow from a formula. `draw`
returns a PNG picture, which takes tens of milliseconds and can be tested without a browser.
"""

from labcode.widgets.curves import CurveExplorer

__all__ = ["CurveExplorer"]
