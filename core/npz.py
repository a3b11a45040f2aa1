"""Reading NumPy's archives of arrays, which may be damaged."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNREADABLE = (OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading an `.npz` raises that is damaged, cut off or something else."""


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an `.npz`, by their names. Raises one of `UNREADABLE`."""
    # Opened here: NumPy leaves a file open that it finds damaged, and then nobody can replace it on Windows.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
