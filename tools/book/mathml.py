"""A renderer for Sphinx that writes formulas as MathML, which browsers set without a script of ours."""

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util import logging

CONVERTER = LatexToMathML()
LOGGER = logging.getLogger(__name__)


def as_mathml(tex: str, *, display: bool) -> str:
    """Return a formula as MathML.

    Raises:
        LatexError: a command that is not known.
    """
    return CONVERTER.convert_with_local_state(tex.strip(), displaystyle=display)


def _written(self, node: nodes.Element, *, display: bool) -> str:
    try:
        return as_mathml(node.astext(), display=display)
    except LatexError as error:
        LOGGER.warning("no formula: %s", error, location=node)
        return self.encode(node.astext())


def _inline(self, node: nodes.Element) -> None:
    self.body.append(f'<span class="math">{_written(self, node, display=False)}</span>')
    raise nodes.SkipNode


def _block(self, node: nodes.Element) -> None:
    self.body.append(f'<div class="math" tabindex="0">{_written(self, node, display=True)}</div>')
    raise nodes.SkipNode


def setup(app) -> dict:
    """Offer the renderer as ``html_math_renderer = "mathml"``."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
