"""Everything that decides what DG-Net is: one frozen record, stored in the weights file.

Every setting that the paper compares is here. Its tables name the settings but do not define all of them; what a name
means here is said where it is used: the styles at `neighbours.fixed_neighbours`, the weightings in `weighting`, the
graph that is not factorised in `spacetime`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..jobs import UsageError
from ..skeleton import JointSet
from .graph import JOINT_SETS
from .neighbours import Style
from .weighting import Scores, Weighting

Operator = Literal["fsg", "dsg", "ftg", "dtg"]
Cue = Literal["confidence", "depth"]
Loss = Literal["total", "network"]

SPATIAL_UNITS: tuple[tuple[Operator, ...], ...] = (
    ("fsg",), ("fsg", "dsg"), ("fsg", "fsg"), ("fsg", "dsg", "dsg"), ("fsg", "dsg", "fsg"),
)  # fmt: skip
"""The spatial units of the paper's tables."""

TEMPORAL_UNITS: tuple[tuple[Operator, ...], ...] = (
    (), ("ftg",), ("ftg", "dtg"), ("ftg", "ftg"), ("ftg", "dtg", "dtg"), ("ftg", "dtg", "ftg"),
)  # fmt: skip
"""The temporal units of the paper's tables; the empty one is its network without time."""


@dataclass(frozen=True)
class DGNetConfig:
    """Everything that decides the network's shape and what it was trained for. Defaults are the paper's.

    Its size: `joint_set`, the name of a set in `graph.JOINT_SETS`; `channels`; `blocks`; `spatial_unit` and
    `temporal_unit`: the residual graph modules of a block, in order, any number of any operator; `non_local`: with
    non-local blocks.

    Its graphs: `spatial_neighbours` and `temporal_neighbours`: K of DSG and DTG; `style`: which joints a dynamical
    graph connects (`neighbours.fixed_neighbours`); `weighting`: how much each of them counts (`weighting`), `scores`:
    how the weighting "fc" is bounded; `knn`: off, a dynamical graph searches for nothing and connects all joints,
    weighted (the same graph as the style "full"; the paper's speed table has both); `factorised`: off, space and time
    are one graph over the joints of three frames (`spacetime`).

    Its data: `frames`: T of the training windows; `frame_interval_s`: seconds between their frames; `cues`: what the
    inputs tell of a joint after its place in the picture, a channel each: "confidence" in [0, 1], "depth": the
    detector's own, metres behind the pelvis, 0 where unknown. `balanced`: outputs are to be averaged with their
    reprojection (see `coordinates.balance`). `loss`: "total" has a head on each block in training (eq. 17), "network"
    only the last (eq. 15). `encoder_width`, `encoder_blocks`: of the `WindowEncoder` whose guess is corrected, 0 for
    none, as in the paper.

    Raises `UsageError` (`bad_network`), saying what is wrong, for values that make no network.
    """

    joint_set: str = "human36m_17"
    channels: int = 128
    blocks: int = 5
    spatial_neighbours: int = 3
    temporal_neighbours: int = 4
    frames: int = 4
    frame_interval_s: float = 0.02
    balanced: bool = True
    non_local: bool = True
    scores: Scores = "sigmoid"
    spatial_unit: tuple[Operator, ...] = ("fsg", "dsg")
    temporal_unit: tuple[Operator, ...] = ("ftg", "dtg", "ftg")
    cues: tuple[Cue, ...] = ()
    encoder_width: int = 0
    encoder_blocks: int = 3
    style: Style = "dynamical"
    weighting: Weighting = "fc"
    factorised: bool = True
    knn: bool = True
    loss: Loss = "total"

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_type(field.name, getattr(self, field.name), field.default)
        for name, choices in _CHOICES.items():
            values = getattr(self, name)
            for value in values if isinstance(values, tuple) else (values,):
                _require(value in choices, f"{name} must be of {', '.join(choices)}, but is {value!r}")
        _require(self.channels >= 2 and self.channels % 2 == 0, "channels must be an even number from 2")
        for name in ("blocks", "spatial_neighbours", "temporal_neighbours", "frames"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1")
        _require(0 < self.frame_interval_s < 10, "frame_interval_s must be positive seconds")
        _require(self.encoder_width >= 0 and self.encoder_blocks >= 0, "the encoder's size must not be negative")
        _require(len(set(self.cues)) == len(self.cues), "a cue is named twice")
        _require(self.knn or self.style == "dynamical", "only the dynamical style searches, so only it can be without")

    @property
    def channels_in(self) -> int:
        """Numbers a joint comes with: its place in the picture, then the cues."""
        return 2 + len(self.cues)

    @property
    def joints(self) -> JointSet:
        return JOINT_SETS[self.joint_set]

    def to_json(self) -> dict[str, Any]:
        """Every field, as JSON values."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(values: dict[str, Any]) -> DGNetConfig:
        """The inverse of `to_json`; fields that are left out take their defaults, so older records can be read.

        Raises `UsageError` (code `bad_network`) for an unknown field or a value that does not fit.
        """
        unknown = sorted(set(values) - {f.name for f in dataclasses.fields(DGNetConfig)})
        _require(not unknown, f"there is no setting {', '.join(unknown)}")
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return DGNetConfig(**plain)


_CHOICES: dict[str, tuple[str, ...]] = {
    "joint_set": tuple(JOINT_SETS),
    "scores": get_args(Scores),
    "spatial_unit": get_args(Operator),
    "temporal_unit": get_args(Operator),
    "cues": get_args(Cue),
    "style": get_args(Style),
    "weighting": get_args(Weighting),
    "loss": get_args(Loss),
}


def _check_type(name: str, value: object, default: object) -> None:
    expected = type(default)
    fits = isinstance(value, int | float) if expected is float else isinstance(value, expected)
    fits = fits and (expected is bool or not isinstance(value, bool))
    _require(fits, f"{name} must be of type {expected.__name__}, but is {value!r}")


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise UsageError(
            "bad_network", f"This network cannot be built: {what}.", "Correct the network's configuration."
        )
