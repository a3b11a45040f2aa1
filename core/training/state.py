"""A training run on disk: everything needed to go on as if it had never stopped, as safetensors, without pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..files import written_beside
from ..jobs import MotionLiftError
from ..lifting.network import DGNet

FORMAT = "motionlift-training-1"


@dataclass
class Progress:
    """How far a run has come. Errors in mm on the validation windows; `history` holds a row an evaluation."""

    step: int = 0
    seconds: float = 0.0
    best_mpjpe: float = float("inf")
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass
class TrainingState:
    """The network, its moving average (used for evaluation and shipped), the optimiser, the random numbers."""

    network: DGNet
    average: DGNet
    optimiser: torch.optim.Adam
    generator: torch.Generator
    progress: Progress

    def save(self, path: Path, settings: dict[str, object]) -> None:
        """Write the state beside `path` and rename it."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
        tensors["generator"] = self.generator.get_state()
        header = {
            "format": FORMAT,
            "progress": json.dumps(asdict(self.progress)),
            "settings": json.dumps(settings),
        }
        tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        with written_beside(path) as temporary:
            save_file(tensors, temporary, header)

    def load(self, path: Path, settings: dict[str, object]) -> None:
        """Go on from a saved state.

        Raises `MotionLiftError` (`bad_checkpoint`) for a file that is none, or of a run with other settings.
        """
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise _bad_checkpoint(path, f"cannot be read: {error}") from error
        if header.get("format") != FORMAT:
            raise _bad_checkpoint(path, "is not a training state of ours")
        stored = json.loads(header["settings"])
        different = sorted(k for k in stored.keys() | settings.keys() if stored.get(k) != settings.get(k))
        if different:
            raise _bad_checkpoint(path, f"belongs to a run with another {', '.join(different)}")
        self.network.load_state_dict(_part(tensors, "network."))
        self.average.load_state_dict(_part(tensors, "average."))
        adam: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "adam.").items():
            index, _, key = name.partition(".")
            adam.setdefault(int(index), {})[key] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": adam, "param_groups": groups})
        self.generator.set_state(tensors["generator"])
        self.progress = Progress(**json.loads(header["progress"]))


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _bad_checkpoint(path: Path, what: str) -> MotionLiftError:
    return MotionLiftError(
        "bad_checkpoint", f"{path} {what}.", "Start a new run, or give the settings that the run was started with."
    )
