"""What every test may rely on, however pytest was started."""

import signal


def pytest_configure():
    """Heed Ctrl-C and a closed terminal again: background jobs and nohup ignore them, and pass that on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
