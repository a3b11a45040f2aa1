"""What a training of the shipped kind of network is: its data, its size, its length."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..lifting.config import Cue, DGNetConfig
from .fit import FitPlan


@dataclass(frozen=True)
class TrainSettings:
    """`data`: folders of BVH files or packed sets; `pairs`: files of pairs, drawn for `pairs_share` of the windows;
    `output`: the weights; `state`: the folder where the run is kept, with its logs.

    `minutes`: this session's wall-clock budget; `planned_minutes`: the whole run's, or `steps` of the network and
    `encoder_steps` of the encoder, which make sessions repeatable. `frames`, `interval_s`: the windows' samples and
    their spacing. `squared_loss`: the paper's; else joint distances count as they are. `depth`, `confidence`: with the
    detector's own as a cue. `encoder_width`, `encoder_blocks`: of the window encoder, 0 for none; `encoder_share` of
    the planned time it learns alone, from `encoder_windows` windows a step. `start`: weights to begin with, of the same
    configuration but for cues, which may be new; `averaging`: see `FitPlan`.
    """

    data: tuple[Path, ...]
    output: Path
    state: Path
    minutes: float | None
    planned_minutes: float = 0.0
    steps: int = 0
    encoder_steps: int = 0
    pairs: tuple[Path, ...] = ()
    pairs_share: float = 0.5
    start: Path | None = None
    channels: int = 128
    blocks: int = 5
    frames: int = 4
    interval_s: float = 1 / 15
    windows: int = 64
    learning_rate: float = 1e-3
    final_share: float = 0.02
    cosine: bool = False
    averaging: float = 0.999
    block_weight: float = 0.1
    squared_loss: bool = True
    depth: bool = False
    confidence: bool = False
    encoder_width: int = 0
    encoder_blocks: int = 3
    encoder_share: float = 0.7
    encoder_windows: int = 512
    bfloat16: bool = False
    evaluate_every: int = 500
    seed: int = 0
    device: str = "auto"
    threads: int | None = None

    def of_the_run(self) -> dict[str, object]:
        """The settings that must not change when a run is resumed, beyond those of its plan."""
        names = ("channels", "blocks", "frames", "interval_s", "windows", "block_weight", "squared_loss", "depth",
                 "confidence", "encoder_width", "encoder_blocks", "encoder_windows", "pairs_share", "seed")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def cues(self) -> tuple[Cue, ...]:
        """What inputs tell besides places."""
        return (*(("depth",) if self.depth else ()), *(("confidence",) if self.confidence else ()))

    def config(self) -> DGNetConfig:
        """The network to be trained."""
        return DGNetConfig(
            joint_set="body_26",
            channels=self.channels,
            blocks=self.blocks,
            frames=self.frames,
            frame_interval_s=self.interval_s,
            balanced=False,
            cues=self.cues(),
            encoder_width=self.encoder_width,
            encoder_blocks=self.encoder_blocks,
        )

    def plan(self, encoder: bool, spent: float = 0.0) -> FitPlan:
        """The fit of one part, after `spent` seconds of this session."""
        share = self.encoder_share if encoder else 1 - (self.encoder_share if self.encoder_width else 0.0)
        steps = self.encoder_steps if encoder else self.steps
        return FitPlan(
            steps=steps,
            planned_minutes=0.0 if steps else self.planned_minutes * share,
            minutes=None if self.minutes is None else self.minutes - spent / 60,
            learning_rate=self.learning_rate,
            final_share=self.final_share,
            schedule="cosine" if self.cosine else "exponential",
            averaging=self.averaging,
            weight_decay=1e-4 if encoder else 0.0,
            precision="bfloat16" if self.bfloat16 else "exact",
            evaluate_every=self.evaluate_every,
        )
