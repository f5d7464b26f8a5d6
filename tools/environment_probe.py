"""Asked inside the environment: `python -m tools.environment_probe`, and torch, imports or notebook."""

import sys


def torch() -> str:
    """Return PyTorch's version and the device it computes on."""
    import torch

    device = "cpu"
    if torch.backends.mps.is_available():
        device = "mps"
    if torch.cuda.is_available():
        device = "cuda"
    torch.ones(2, device=device).sum().item()
    return f"{torch.__version__} on {device}"


def notebook() -> str:
    """Execute a notebook of two lines and return where its kernel ran."""
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_notebook

    cells = [new_code_cell("import sys, labcode"), new_code_cell("print(sys.prefix)")]
    executed = NotebookClient(new_notebook(cells=cells), kernel_name="python3", timeout=600).execute()
    prefix = executed.cells[1].outputs[0].text.strip()
    if prefix != sys.prefix:
        raise RuntimeError(f"the kernel runs in {prefix} instead of {sys.prefix}")
    return "a kernel starts and executes cells"


def imports() -> str:
    """Import what a lesson needs; JupyterLab is only looked for."""
    from importlib.util import find_spec

    import torch

    import labcode

    if find_spec("jupyterlab") is None:
        raise ModuleNotFoundError("No module named 'jupyterlab'")
    return f"{labcode.__name__} and {torch.__name__} can be imported"


if __name__ == "__main__":
    print({"torch": torch, "notebook": notebook, "imports": imports}[sys.argv[1]]())
