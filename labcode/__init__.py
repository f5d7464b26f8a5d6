"""labcode: every regularization method of the course twice, in NumPy to read and in PyTorch to use.

Importing this package imports nothing else: each file imports what it needs.
"""

__version__ = "0.1.0"
