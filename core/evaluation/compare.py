"""Side by side: every contestant trained on the same data for the same budget, then measured on the same sequences.

A folder holds a run for each contestant and seed: `<name>-<seed>.run` while it trains,
`<name>-<seed>.safetensors`, its averaged weights, and `<name>-<seed>.json`, its row of the table. A run that has its
row is not trained again, one that was stopped goes on, so a comparison can be put together from short sessions; without
its row it is only measured again. `settings.json` holds what all rows have in common.
"""

from __future__ import annotations

import copy
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..jobs import UsageError
from ..lifting.checkpoint import load_weights
from ..lifting.config import Cue
from ..lifting.device import choose_device
from ..lifting.graph import JOINT_SETS
from ..lifting.network import DGNet
from ..rotation import Array
from ..training.fit import FitPlan, Stopped, fit, never
from ..training.mocap import PackedTakes, load_takes, nothing_to_learn
from ..training.noise import NoiseModel
from ..training.windows import Windows, WindowSource
from .comparison_table import Row
from .contestants import Contestant, Task, folded
from .cost import CLIP_FRAMES, clip_of_windows, measure_cost
from .held_out import HeldOut, Lifter, held_out_sequences
from .metrics import mpjpe, mpjve, pa_mpjpe
from .run_files import bad_run, load_network, read_json, save_network, write_json

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CompareSettings:
    """`data`: a packed set or a folder of BVH files; `folder`: where the runs are kept. A run's budget is `minutes` of
    wall-clock time or a number of `steps`; `session_minutes`: the time this call may train at all. `rate`: frames a
    second; `sequences` of at most `longest` frames of the part `part` are lifted. `noise`: "mediapipe" or "none", in
    training and after. `overlap` windows see a frame; `flip_average`: its mirror image is lifted too.
    """

    data: Path
    folder: Path
    minutes: float | None = 10.0
    steps: int | None = None
    session_minutes: float | None = None
    seeds: int = 1
    rate: float = 30.0
    joint_set: str = "body_26"
    cues: tuple[Cue, ...] = ()
    noise: str = "mediapipe"
    part: str = "validation"
    sequences: int = 64
    longest: int = 243
    overlap: int = 1
    flip_average: bool = True
    device: str = "auto"

    def __post_init__(self) -> None:
        _require((self.minutes is None) != (self.steps is None), "the budget is either minutes or steps")
        _require((self.minutes or self.steps or 0) > 0, "the budget must be positive")
        _require(
            self.seeds >= 1 and self.sequences >= 1 and self.overlap >= 1, "seeds, sequences, overlap count from 1"
        )
        _require(self.rate > 0 and self.longest >= 1, "rate and the longest sequence must be positive")
        _require(self.joint_set in JOINT_SETS, f"there is no joint set {self.joint_set!r}")
        _require(self.noise in NOISES, f"there is no noise {self.noise!r}, only {', '.join(NOISES)}")

    def of_the_table(self) -> dict[str, Any]:
        """What must not differ between the rows of a table."""
        names = ("minutes", "steps", "rate", "joint_set", "cues", "noise", "part", "sequences", "longest", "overlap",
                 "flip_average")  # fmt: skip
        values = {name: getattr(self, name) for name in names}
        return {**values, "cues": list(self.cues), "data": self.data.name}

    def described(self) -> str:
        """What was done, in words, for below the table."""
        budget = f"{self.steps} steps" if self.minutes is None else f"{self.minutes:g} minutes by the clock"
        noise = "a detector's noise" if self.noise == "mediapipe" else "no noise"
        flip = "averaged with the mirror image's" if self.flip_average else "without the mirror image"
        return (
            f"Each network learned for {budget} from the training takes of {self.data.name}, at {self.rate:g} frames a "
            f"second, with {noise}. Errors in mm (MPJVE: mm a frame) on {self.sequences} sequences of the {self.part} "
            f"takes, at most {self.longest} frames each, the same for all; outputs {flip}. MACs and milliseconds are a "
            f"frame's share of a clip of {CLIP_FRAMES} frames lifted once, BatchNorm folded. MACs: multiplications and "
            "additions, in pairs, of matrix products and convolutions. CPU: one thread."
        )

    def task(self) -> Task:
        return Task(self.joint_set, self.cues, 1 / self.rate)


NOISES: dict[str, Callable[[], NoiseModel]] = {"mediapipe": NoiseModel, "none": NoiseModel.none}


def compare(
    settings: CompareSettings,
    entries: Sequence[Contestant],
    weights: Sequence[Path] = (),
    report: Callable[[Row], None] = lambda row: None,
    stopped: Stopped = never,
) -> list[Row]:
    """Train what has not been trained, measure what has not been measured, and return the rows there are, in the order
    of `entries`, seed by seed, then those of `weights`: DG-Net's trained elsewhere, measured alike.

    Fewer rows come back than there are runs when `session_minutes` end first, or it is `stopped`. `report` is called
    with each row. Raises `UsageError` (`other_comparison`) where the folder holds rows of other settings.
    """
    device = choose_device(settings.device)
    _check_folder(settings)
    # Before hours are spent on the others.
    given = [_given(path, settings) for path in weights]
    takes = load_takes(settings.data)
    if not len(takes.of_part("train")):
        raise nothing_to_learn(settings.data)
    noise = NOISES[settings.noise]()
    held_out = held_out_sequences(takes, settings.part, settings.sequences, settings.longest, settings.rate, noise)
    # A folder is a comparison's once there is something to compare: a mistyped name holds nobody to it.
    if not _settings_of(settings.folder).is_file():
        write_json(_settings_of(settings.folder), settings.of_the_table())
    deadline = None if settings.session_minutes is None else time.monotonic() + 60 * settings.session_minutes
    rows = []
    for contestant in entries:
        for seed in range(settings.seeds):
            run = _Run(settings, contestant, seed, device)
            row = run.row()
            if row is None and (run.trained() or run.train(takes, noise, deadline, stopped)):
                row = run.measure(held_out)
            if row is not None:
                rows.append(row)
                report(row)
    for path, network in zip(weights, given, strict=True):
        rows.append(_measure_weights(path.stem, network, settings, held_out, device))
        report(rows[-1])
    return rows


class _Run:
    """One contestant with one seed, in the comparison's folder."""

    def __init__(self, settings: CompareSettings, contestant: Contestant, seed: int, device: torch.device) -> None:
        self.settings, self.contestant, self.seed, self.device = settings, contestant, seed, device
        stem = f"{contestant.name}-{seed}"
        self.weights = settings.folder / f"{stem}.safetensors"
        self.state = settings.folder / f"{stem}.run"
        self.record = settings.folder / f"{stem}.json"

    def row(self) -> Row | None:
        """The row, if there is one. Raises `MotionLiftError` (`bad_run`) for a file that holds none."""
        if not self.record.is_file():
            return None
        try:
            return Row(**read_json(self.record))
        except TypeError as error:
            raise bad_run(self.record, f"is no row of a comparison: {error}") from error

    def trained(self) -> bool:
        return self.weights.is_file()

    def train(self, takes: PackedTakes, noise: NoiseModel, deadline: float | None, stopped: Stopped) -> bool:
        """Train until the budget or the session ends; whether the budget is spent, and so the weights are written."""
        settings, contestant = self.settings, self.contestant
        left = None if deadline is None else (deadline - time.monotonic()) / 60
        if stopped() or (left is not None and left <= 0):
            return False
        torch.manual_seed(self.seed)
        network = contestant.make(settings.task()).to(self.device)
        source = WindowSource(
            takes, takes.of_part("train"), contestant.frames, 1 / settings.rate, self.seed, str(self.device),
            settings.cues,
        )  # fmt: skip
        plan = FitPlan(
            steps=settings.steps or 0,
            minutes=left,
            planned_minutes=settings.minutes or 0.0,
            learning_rate=contestant.learning_rate,
        )

        def loss(net: nn.Module, windows: Windows) -> Tensor:
            return contestant.loss(net, windows.inputs, windows.targets, windows.weight)

        result = fit(
            network, loss, lambda: source.draw(contestant.windows, noise), plan, source.generator, self.state,
            settings={"seed": self.seed}, stopped=stopped,
        )  # fmt: skip
        log.info("%s, seed %d: step %d, %.1f minutes", contestant.name, self.seed, result.steps, result.seconds / 60)
        if not result.finished:
            return False
        info = {"settings": settings.of_the_table(), "steps": result.steps, "minutes": result.seconds / 60}
        save_network(self.weights, result.network, info)
        shutil.rmtree(self.state, ignore_errors=True)
        return True

    def measure(self, held_out: Sequence[HeldOut]) -> Row:
        """The row, which is written down."""
        contestant, settings = self.contestant, self.settings
        network = contestant.make(settings.task())
        info = load_network(self.weights, network)
        lifter = Lifter(
            _in_use(network, self.device), JOINT_SETS[settings.joint_set], contestant.lifted_frames, 1 / settings.rate,
            settings.cues, settings.overlap, settings.flip_average, _balanced(network),
        )  # fmt: skip
        row = _row(contestant.name, self.seed, network, lifter, held_out, info)
        write_json(self.record, asdict(row))
        return row


def _settings_of(folder: Path) -> Path:
    return folder / "settings.json"


def _check_folder(settings: CompareSettings) -> None:
    """Raises `UsageError` (`other_comparison`) where the folder is of a comparison with other settings."""
    path, wanted = _settings_of(settings.folder), settings.of_the_table()
    if not path.is_file():
        return
    found = read_json(path)
    different = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if different:
        raise UsageError(
            "other_comparison",
            f"{settings.folder} holds a comparison with another {', '.join(different)}.",
            "Choose another folder, or the settings that this one was made with.",
        )


def _given(path: Path, settings: CompareSettings) -> DGNet:
    """A DG-Net trained elsewhere. Raises `UsageError` (`wrong_joint_set`), and as `load_weights`."""
    network = load_weights(path)
    if network.config.joint_set != settings.joint_set:
        raise UsageError(
            "wrong_joint_set",
            f"{path.name} lifts {network.config.joint_set}, but {settings.joint_set} is compared.",
            "Compare networks of one joint set.",
        )
    return network


def _measure_weights(
    name: str, network: DGNet, settings: CompareSettings, held_out: Sequence[HeldOut], device: torch.device
) -> Row:
    """The row of a DG-Net trained elsewhere: windows and cues are its own, sequences and averaging the comparison's."""
    config = network.config
    lifter = Lifter(
        _in_use(network, device), config.joints, config.frames, config.frame_interval_s, config.cues,
        settings.overlap, settings.flip_average, config.balanced,
    )  # fmt: skip
    info = {"steps": 0, "minutes": 0.0}
    return _row(name, 0, network, lifter, held_out, info)


def _row(
    name: str, seed: int, network: nn.Module, lifter: Lifter, held_out: Sequence[HeldOut], info: dict[str, Any]
) -> Row:
    errors = [_errors(lifter.lift(sequence), sequence) for sequence in held_out]
    joints, aligned, moving = (1000 * float(np.concatenate(parts).mean()) for parts in zip(*errors, strict=True))
    inputs = clip_of_windows(lifter.frames, len(lifter.joints), 2 + len(lifter.cues))
    cost = measure_cost(network, copy.deepcopy(lifter.network), inputs)
    return Row(
        name, seed, joints, aligned, moving, cost.parameters, cost.macs, cost.cpu_ms, cost.gpu_ms,
        int(info["steps"]), float(info["minutes"]),
    )  # fmt: skip


def _errors(found: Array, sequence: HeldOut) -> tuple[Array, Array, Array]:
    true = sequence.joints_camera.double().numpy()
    return mpjpe(found, true), pa_mpjpe(found, true), mpjve(found, true)


def _in_use(network: nn.Module, device: torch.device) -> nn.Module:
    return folded(network.eval()).to(device)


def _balanced(network: nn.Module) -> bool:
    return isinstance(network, DGNet) and network.config.balanced


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise UsageError("bad_setting", f"Nothing can be compared: {what}.", "Correct the settings.")
