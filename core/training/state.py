"""A training run on disk: everything needed to go on as if it had never stopped, as safetensors, without pickle.

A folder: `current.json` names the step that counts; its tensors lie in files of at most `LARGEST` bytes in a folder of
that name, so that a run can travel where files must be small. A save that is interrupted leaves the one before.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..files import write_failed, written_beside
from ..jobs import MotionLiftError
from ..lifting.checkpoint import write_tensors

FORMAT = "motionlift-training-2"
CURRENT = "current.json"
LARGEST = 15 * 2**20
"""Bytes of a file's tensors."""

N = TypeVar("N", bound=nn.Module)


@dataclass
class Progress:
    """How far a run has come. `best`: the smallest first figure so far; `history` holds a row an evaluation."""

    step: int = 0
    seconds: float = 0.0
    best: float = float("inf")
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass
class TrainingState(Generic[N]):
    """The network, its moving average (measured and shipped), the optimiser, the random numbers."""

    network: N
    average: N
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    progress: Progress

    def save(self, folder: Path, settings: Mapping[str, object]) -> None:
        """Write the state into a new folder in `folder` and let that one count.

        Raises `MotionLiftError` (`write_failed`) when the disk refuses: the state before still counts.
        """
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
        tensors["generator"] = self.generator.get_state()
        tensors["torch"] = torch.get_rng_state()
        name = f"step-{self.progress.step}"
        shutil.rmtree(folder / name, ignore_errors=True)
        shapes = {key: list(value.shape) for key, value in tensors.items()}
        try:
            (folder / name).mkdir(parents=True)
            for number, part in enumerate(_parts(tensors)):
                write_tensors(part, folder / name / f"{number:03d}.safetensors")
        except OSError as error:
            # What was written fills the disk, and counts for nothing.
            shutil.rmtree(folder / name, ignore_errors=True)
            raise write_failed(folder / name, error) from error
        record = {
            "format": FORMAT,
            "folder": name,
            "shapes": shapes,
            "progress": asdict(self.progress),
            "settings": dict(settings),
        }
        with written_beside(folder / CURRENT) as temporary:
            temporary.write_text(json.dumps(record), encoding="utf-8")
        for old in folder.glob("step-*"):
            if old.name != name:
                shutil.rmtree(old, ignore_errors=True)

    def load(self, folder: Path, settings: Mapping[str, object]) -> None:
        """Go on from a saved state.

        Raises `MotionLiftError` (`bad_checkpoint`) for what is none, or of a run with other settings.
        """
        try:
            record: dict[str, Any] = json.loads((folder / CURRENT).read_text(encoding="utf-8"))
            if record.get("format") != FORMAT:
                raise _bad_checkpoint(folder, "is not a training state of ours")
            stored, wanted = record["settings"], json.loads(json.dumps(dict(settings)))
            different = sorted(k for k in stored.keys() | wanted.keys() if stored.get(k) != wanted.get(k))
            if different:
                raise _bad_checkpoint(folder, f"belongs to a run with another {', '.join(different)}")
            tensors = _joined(folder / record["folder"], record["shapes"])
            self._take(tensors)
            self.progress = Progress(**record["progress"])
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise _bad_checkpoint(folder, f"cannot be read: {error}") from error

    def _take(self, tensors: dict[str, Tensor]) -> None:
        self.network.load_state_dict(_below(tensors, "network."))
        self.average.load_state_dict(_below(tensors, "average."))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _below(tensors, "optimiser.").items():
            index, _, key = name.partition(".")
            moments.setdefault(int(index), {})[key] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.generator.set_state(tensors["generator"])
        torch.set_rng_state(tensors["torch"])


def _parts(tensors: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The tensors, flat and in pieces, in groups of at most `LARGEST` bytes. A piece is called `name@number`."""
    part: dict[str, Tensor] = {}
    size = 0
    for name, tensor in tensors.items():
        flat = tensor.detach().cpu().contiguous().flatten()
        for number, piece in enumerate(torch.split(flat, max(LARGEST // max(flat.element_size(), 1), 1))):
            if part and size + piece.nbytes > LARGEST:
                yield part
                part, size = {}, 0
            part[f"{name}@{number}"] = piece.clone()
            size += piece.nbytes
    if part:
        yield part


def _joined(folder: Path, shapes: Mapping[str, list[int]]) -> dict[str, Tensor]:
    """The inverse of `_parts`."""
    pieces: dict[str, dict[int, Tensor]] = {name: {} for name in shapes}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 (a file, not a dictionary)
                name, _, number = key.rpartition("@")
                pieces[name][int(number)] = file.get_tensor(key)
    return {
        name: torch.cat([pieces[name][number] for number in sorted(pieces[name])]).view(shape)
        for name, shape in shapes.items()
    }


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _bad_checkpoint(path: Path, what: str) -> MotionLiftError:
    return MotionLiftError(
        "bad_checkpoint", f"{path} {what}.", "Start a new run, or give the settings that the run was started with."
    )
