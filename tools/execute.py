"""Run a notebook in a fresh kernel of this very interpreter, and keep only what the next run gives again."""

import base64
import io
import re
import tempfile
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from PIL import Image

from tools.environment import private_folder, private_variables
from tools.process import CourseError, clean_environment

CELL_TIMEOUT = 1800  # seconds: a cell that hangs, not one on a slow or busy machine
PICTURE = "image/png"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
ADDRESS = re.compile(r"\bat 0x[0-9A-Fa-f]{6,}")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
FONT_CACHE = re.compile(r"Matplotlib is building the font cache[^\n]*\n?")


class NotebookError(CourseError):
    """A notebook that does not run, or whose outputs cannot be kept; the message names the cell."""


def execute(nb: NotebookNode, folder: Path, root: Path) -> None:
    """Execute a notebook in place, in a fresh kernel, and normalize its outputs.

    Args:
        nb: the notebook, without outputs.
        folder: working directory of the kernel.
        root: the course folder; its labcode is the one imported, and its path must not appear in an output.

    Raises:
        NotebookError: a cell fails, takes too long, writes to stderr, or shows what differs from run to run.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as private:
        client = _client(nb, folder, Path(private, "kernel.json"))
        _run(client, _environment(root), Path(private, "kernel.log"))
    _check_widgets(client)
    normalize(nb, root)


def _run(client: NotebookClient, env: dict[str, str], log: Path) -> None:
    """Start the kernel and run the cells; not by `client.execute()`, whose signal handlers swallow Ctrl-C.

    Raises:
        NotebookError: a cell fails or takes too long, or the kernel does not start, or dies.
    """
    try:
        with log.open("wb") as stderr, client.setup_kernel(cleanup_kc=True, env=env, stderr=stderr):
            for index, cell in enumerate(client.nb.cells):
                client.execute_cell(cell, index)
    except (CellExecutionError, CellTimeoutError) as error:
        raise NotebookError(COLOURS.sub("", str(error)).strip()) from None
    except RuntimeError as error:
        said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise NotebookError(
            f"{error} (code cells begun: {client.code_cells_executed})\n{said}".strip()
        ) from None


def _client(nb: NotebookNode, folder: Path, connection: Path) -> NotebookClient:
    """Return a client whose kernel is this interpreter, whatever kernels are registered on the machine."""
    kernel = AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        connection_file=str(connection),
    )
    return NotebookClient(
        nb,
        km=kernel,
        timeout=CELL_TIMEOUT,
        startup_timeout=CELL_TIMEOUT,
        record_timing=False,
        store_widget_state=True,  # an Output widget needs it, and so does _check_widgets
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )


def _environment(root: Path) -> dict[str, str]:
    """Return a kernel's environment in which neither the user's settings nor chance have a say."""
    return (
        clean_environment()
        | private_variables(private_folder(root))
        | {
            "KERAS_BACKEND": "torch",
            "OMP_NUM_THREADS": "1",  # sums in one order, however many cores there are
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": str(root),
            "PYTHONUTF8": "1",
            "TQDM_DISABLE": "1",
        }
    )


def _check_widgets(client: NotebookClient) -> None:
    """Check that no widget's callback failed: its error goes into the widget, where no cell shows it.

    Raises:
        NotebookError: a callback failed.
    """
    for state in client.widget_state.values():
        for output in state.get("outputs", ()):
            if output["output_type"] == "error":
                raise NotebookError(f"a widget's callback fails: {output['ename']}: {output['evalue']}")


def normalize(nb: NotebookNode, root: Path) -> None:
    """Drop from a notebook's outputs what differs from run to run, and refuse what cannot be dropped.

    Args:
        nb: an executed notebook, changed in place.
        root: the course folder, whose path must not appear in an output.

    Raises:
        NotebookError: stderr, an object's address, or the course folder's path; it names the cell.
    """
    code_cells = (cell for cell in nb.cells if cell.cell_type == "code")
    for count, cell in enumerate(code_cells, start=1):
        cell.execution_count = count
        cell.outputs = [output for output in cell.outputs if _keep(output, count)]
        for output in cell.outputs:
            fault = _fault(output, root)
            if fault:
                raise NotebookError(f"code cell {count} {fault}\n{cell.source}")


def _keep(output: NotebookNode, count: int) -> bool:
    """Normalize one output in place; False drops it: a widget has its static figure beside it."""
    if WIDGET_VIEW in output.get("data", {}):
        return False
    if PICTURE in output.get("data", {}):
        output.data[PICTURE] = eight_bit(output.data[PICTURE])
        output.data.pop("text/html", None)  # the same picture; its alt text stays in the metadata
    if "execution_count" in output:
        output.execution_count = count
    if output.output_type == "error":
        output.traceback = [COLOURS.sub("", output.traceback[-1])]  # the lines before it hold paths
    if output.output_type == "stream" and output.name == "stderr":
        output.text = FONT_CACHE.sub("", output.text)
        return bool(output.text)
    return True


def eight_bit(picture: str) -> str:
    """Return a PNG picture with at most 256 colours, a third as large; both in base64."""
    with Image.open(io.BytesIO(base64.b64decode(picture))) as full:
        is_opaque = full.convert("RGBA").getchannel("A").getextrema() == (255, 255)
        if is_opaque:
            small = full.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        else:
            small = full.convert("RGBA").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    written = io.BytesIO()
    small.save(written, "PNG", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


def _fault(output: NotebookNode, root: Path) -> str | None:
    """Say in words why an output cannot be kept; None if it can."""
    text = output_text(output)
    if output.output_type == "stream" and output.name == "stderr":
        return f"writes to stderr: {text.strip()}"
    address = ADDRESS.search(text)
    if address:
        return f"shows an object's address, which differs from run to run: {address[0]}"
    return f"shows this machine's path {root}" if str(root) in text else None


def output_text(output: NotebookNode) -> str:
    """Return the text of an output (a stream, text/*, the message of an error); a picture has none."""
    if output.output_type == "stream":
        return output.text
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return "\n".join(text for kind, text in sorted(output.data.items()) if kind.startswith("text/"))
