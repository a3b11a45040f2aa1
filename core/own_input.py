"""Standard input for whoever speaks a protocol over it, and for nobody else.

On Windows one thread that waits for a pipe's next line makes every other look at that pipe wait with it: NumPy's and
SciPy's libraries look at descriptor 0 while they load, and so does a Python that inherits it, and none goes on until
somebody writes (numpy/numpy#24290, python/cpython#78961).
"""

from __future__ import annotations

import os


def take_input() -> int:
    """A descriptor of standard input for the caller alone. From now on everybody else in this process, and each that it
    starts, finds an empty one. Call it before a thread reads, and before anything heavy is loaded."""
    taken = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return taken
