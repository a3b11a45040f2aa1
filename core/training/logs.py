"""A run's figures as they come: lines of a CSV file, and TensorBoard's events where that is installed."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..files import write_failed

log = logging.getLogger(__name__)

CSV_NAME = "log.csv"
_COUNT = "step"


@contextlib.contextmanager
def open_logs(folder: Path | None) -> Iterator[Callable[[Mapping[str, float]], None]]:
    """A function that writes a row of figures, one of them "step", to `folder`; to nowhere if that is None.

    A run that goes on adds to what is there. Rows of one run have the same names. Raises `MotionLiftError`
    (`write_failed`) when the disk refuses.
    """
    if folder is None:
        yield lambda row: None
        return
    path = folder / CSV_NAME
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            begun = path.exists() and path.stat().st_size > 0
            file = stack.enter_context(path.open("a", newline="", encoding="utf-8"))
        except OSError as error:
            raise write_failed(path, error) from error
        table = csv.writer(file)
        events = _tensorboard(folder, stack)

        def write(row: Mapping[str, float]) -> None:
            nonlocal begun
            if not begun:
                table.writerow(row)
                begun = True
            table.writerow(f"{value:.6g}" for value in row.values())
            file.flush()
            events(row)

        yield write


def _tensorboard(folder: Path, stack: contextlib.ExitStack) -> Callable[[Mapping[str, float]], None]:
    if importlib.util.find_spec("tensorboard") is None:
        log.info("TensorBoard is not installed (motionlift[train]): figures go to %s only", CSV_NAME)
        return lambda row: None
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))
    stack.callback(writer.close)

    def write(row: Mapping[str, float]) -> None:
        for name, value in row.items():
            if name != _COUNT:
                writer.add_scalar(name, value, int(row[_COUNT]))
        writer.flush()

    return write
