"""Files of a run: weights with notes as safetensors, records as JSON. Nothing is pickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import nn

from ..files import written_beside
from ..jobs import MotionLiftError
from ..lifting.checkpoint import write_tensors

FORMAT = "motionlift-run-1"


def save_network(path: Path, network: nn.Module, notes: dict[str, Any]) -> None:
    """Write a network's tensors, single precision, and JSON `notes`. Raises `MotionLiftError` (`write_failed`)."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    with written_beside(path) as temporary:
        write_tensors(tensors, temporary, {"format": FORMAT, "notes": json.dumps(notes)})


def load_network(path: Path, network: nn.Module) -> dict[str, Any]:
    """Fill `network`, which must be built as the stored one; returns the notes.

    Raises `MotionLiftError` (`bad_run`) for a file that is none or does not fit.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if header.get("format") != FORMAT:
            raise bad_run(path, "holds no weights of a run")
        network.load_state_dict(tensors)
        notes: dict[str, Any] = json.loads(header["notes"])
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise bad_run(path, f"does not fit: {error}") from error
    return notes


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises `MotionLiftError` (`bad_run`)."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise bad_run(path, f"cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise bad_run(path, "holds no JSON object")
    return values


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write a JSON object. Raises `MotionLiftError` (`write_failed`)."""
    with written_beside(path) as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def bad_run(path: Path, what: str) -> MotionLiftError:
    """The error for a file that a run cannot go on from."""
    return MotionLiftError("bad_run", f"{path} {what}.", "Delete the file; what it held is done again.")
