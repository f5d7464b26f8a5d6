"""What every test may rely on, however pytest was started."""

import os
import signal

if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the cores: threads would wait for each other's
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure():
    """Heed Ctrl-C and a closed terminal again: background jobs and nohup ignore them, and pass that on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
