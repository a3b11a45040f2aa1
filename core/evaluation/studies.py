"""What the paper compares, table by table: the settings of each row and the paper's own figure.

Settings are fields of `DGNetConfig`; what a row leaves out is the default. A row's run is known by what is trained, so
tables share runs: the network as the paper has it stands in nearly all of them and is trained once. The ablations are
numbered V to XI in the order in which the paper's settings are listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..jobs import UsageError

DataName = Literal["h36m", "humaneva15", "mpi_inf_3dhp", "mocap"]
Settings = tuple[tuple[str, Any], ...]
NOISE_PX = (0.0, 5.0, 10.0, 15.0, 20.0)
"""Spread of the noise on exact 2D in the paper's test."""


@dataclass(frozen=True)
class Run:
    """One network to train: on a data set with a detector's 2D (`gt` for exact, plus normal `noise` in pixels), on some
    `actions` (all, if none are named), with these `settings` of the configuration in place of the defaults."""

    data: DataName
    detector: str = "gt"
    settings: Settings = ()
    actions: tuple[str, ...] = ()
    noise: float = 0.0

    @property
    def name(self) -> str:
        """A file's name for it, made of all that it is."""
        parts = [self.data, self.detector]
        parts += [f"noise{self.noise:g}"] if self.noise else []
        parts += [f"only-{'+'.join(self.actions)}"] if self.actions else []
        parts += [f"{key}={_short(value)}" for key, value in self.settings]
        return "_".join(parts)


@dataclass(frozen=True)
class Row:
    """A line of a table: `value` is a metric, or "P-MPJPE@5" for one under that many pixels of noise; `paper`: the
    paper's figure for it."""

    label: str
    run: Run
    value: str
    paper: float | None = None


@dataclass(frozen=True)
class Study:
    """A table or figure; `by`: columns besides the mean. The first row is what the others are compared with, where
    `compared` says so."""

    name: str
    title: str
    rows: tuple[Row, ...]
    by: Literal["action", "nothing"] = "nothing"
    plot: Literal["bars", "line", "matrix"] = "bars"
    compared: bool = False
    note: str = ""

    @property
    def runs(self) -> tuple[Run, ...]:
        """Each run once, in the order of the rows."""
        return tuple(dict.fromkeys(row.run for row in self.rows))


@dataclass(frozen=True)
class Source:
    """Where the ablations are made: on Human3.6M with the detector the paper has there, or on motion capture."""

    data: DataName
    detector: str
    actions: tuple[str, ...]


HUMAN36M_CPN = "cpn_ft_h36m_dbb"
HUMAN36M_SOURCE = Source("h36m", HUMAN36M_CPN, ("Walking", "Sitting", "Greeting", "Photo", "Eating"))
MOCAP_SOURCE = Source("mocap", "gt", ("walking", "running", "dance", "fighting", "climbing"))

DEFAULT: Settings = ()
_Ablation = tuple[tuple[str, dict[str, Any], float | None], ...]

_NEIGHBOURS: _Ablation = (
    ("K = 3 in DSG, 4 in DTG", {}, 45.3),
    *((f"K = {k} in DSG", {"spatial_neighbours": k}, paper) for k, paper in ((1, 47.3), (5, 48.2), (7, 50.8))),
    *(
        (f"K = {k} in DTG", {"temporal_neighbours": k}, paper)
        for k, paper in ((1, 48.0), (3, 46.5), (5, 47.3), (7, 49.2))
    ),
)
_STYLES: _Ablation = (
    ("dynamical, FC", {}, 45.3),
    *(
        (f"{style}, FC", {"style": style}, paper)
        for style, paper in (
            ("random", 80.5), ("fixed", 50.3), ("full", 56.3), ("symmetry", 53.0), ("precomputed", 48.1),
        )
    ),
    ("dynamical, no weighting", {"weighting": "none"}, 48.1),
    ("dynamical, embedded Gaussian", {"weighting": "embedded_gaussian"}, 46.9),
)  # fmt: skip
_UNITS: _Ablation = (
    ("FSG+DSG, FTG+DTG+FTG", {}, 45.3),
    ("FSG", {"spatial_unit": ("fsg",), "temporal_unit": ()}, 57.9),
    ("FSG+DSG", {"temporal_unit": ()}, 55.8),
    ("FSG+DSG, FTG", {"temporal_unit": ("ftg",)}, 52.0),
    ("FSG+DSG, FTG+DTG", {"temporal_unit": ("ftg", "dtg")}, 47.0),
    ("FSG+FSG, FTG+DTG+FTG", {"spatial_unit": ("fsg", "fsg")}, None),
    ("FSG+DSG+DSG, FTG+DTG+FTG", {"spatial_unit": ("fsg", "dsg", "dsg")}, None),
    ("FSG+DSG+FSG, FTG+DTG+FTG", {"spatial_unit": ("fsg", "dsg", "fsg")}, None),
    ("FSG+DSG, FTG+FTG", {"temporal_unit": ("ftg", "ftg")}, None),
    ("FSG+DSG, FTG+DTG+DTG", {"temporal_unit": ("ftg", "dtg", "dtg")}, None),
)
_BLOCKS: _Ablation = (
    ("5 blocks", {"blocks": 5}, 45.3),
    ("1 block", {"blocks": 1}, 60.7),
    ("3 blocks", {"blocks": 3}, 47.0),
)
_FRAMES: _Ablation = (
    ("T = 4", {}, 45.3),
    *((f"T = {t}", {"frames": t}, paper) for t, paper in ((2, 51.2), (3, 48.1), (5, 45.3), (9, None), (27, None))),
)
_PARTS: _Ablation = (
    ("all parts", {}, 45.3),
    ("network loss only", {"loss": "network"}, 48.7),
    ("without non-local", {"non_local": False}, 50.1),
    ("not balanced", {"balanced": False}, 46.1),
    ("unified", {"factorised": False}, 48.9),
)
_ABLATIONS: dict[str, tuple[str, _Ablation]] = {
    "table5": ("Table V: number of neighbours", _NEIGHBOURS),
    "table6": ("Table VI: graph styles and weightings", _STYLES),
    "table7": ("Table VII: spatial and temporal units", _UNITS),
    "table8": ("Table VIII: number of blocks", _BLOCKS),
    "table9": ("Table IX: number of frames", _FRAMES),
    "table10": ("Table X: loss, non-local blocks, coordinates, factorisation", _PARTS),
}
_BENCHMARKS = ("table1", "table2", "table3", "table4")
STUDIES = (*_BENCHMARKS, *_ABLATIONS, "table11", "cross_action", "noise")
"""What can be trained; `speed` is measured elsewhere."""


def study(name: str, source: Source) -> Study:
    """The study of that name; ablations are made on `source`, and so are the benchmarks where that is motion capture,
    which has none of the benchmarks' data. Raises `UsageError` (`unknown_study`)."""
    if name in _ABLATIONS:
        title, rows = _ABLATIONS[name]
        return Study(name, title, _ablation(rows, source), compared=True, note=_note(source))
    if name in _BENCHMARKS:
        return _benchmark(name, source)
    if name == "table11":
        return _detectors(source)
    if name == "cross_action":
        return _cross_action(source)
    if name == "noise":
        return _noise(source)
    raise UsageError("unknown_study", f"There is no study {name!r}.", f"Studies: {', '.join((*STUDIES, 'speed'))}.")


def _ablation(rows: _Ablation, source: Source) -> tuple[Row, ...]:
    return tuple(
        Row(label, Run(source.data, source.detector, tuple(settings.items())), "MPJPE", paper)
        for label, settings, paper in rows
    )


def _benchmark(name: str, source: Source) -> Study:
    titles = {
        "table1": "Table I: Human3.6M, protocol 1",
        "table2": "Table II: Human3.6M, protocol 2",
        "table3": "Table III: HumanEva-I, protocol 2",
        "table4": "Table IV: MPI-INF-3DHP, exact 2D",
    }
    values: dict[str, tuple[tuple[str, float], ...]] = {
        "table1": (("MPJPE", 31.2),),
        "table2": (("P-MPJPE", 24.1),),
        "table3": (("P-MPJPE", 19.5),),
        "table4": (("PCK", 87.5), ("AUC", 53.8), ("MPJPE", 76.0)),
    }
    title = titles[name]
    if source.data == "mocap":
        rows = [Row(f"motion capture, exact 2D: {value}", Run("mocap"), value) for value, _ in values[name]]
        return Study(name, title, tuple(rows), "action", note=_note(source))
    if name in ("table1", "table2"):
        ((value, exact),) = values[name]
        detected = {"table1": 45.3, "table2": 35.4}[name]
        rows = [
            Row("CPN 2D", Run("h36m", HUMAN36M_CPN), value, detected),
            Row("exact 2D", Run("h36m"), value, exact),
        ]
    elif name == "table3":
        rows = [Row("exact 2D", Run("humaneva15"), value, paper) for value, paper in values[name]]
    else:
        rows = [Row(value, Run("mpi_inf_3dhp"), value, paper) for value, paper in values[name]]
    return Study(name, title, tuple(rows), "action")


def _detectors(source: Source) -> Study:
    title = "Table XI: where the 2D comes from"
    if source.data == "mocap":
        levels = (0.0, 5.0, 10.0)
        rows = [Row(f"exact 2D + N(0, {px:g} px)", Run("mocap", noise=px), "MPJPE") for px in levels]
        note = (
            "Nothing is detected in motion capture: noise of some pixels, in training and test, stands for a detector."
        )
        return Study("table11", title, tuple(rows), note=note)
    rows = [
        Row("CPN", Run("h36m", HUMAN36M_CPN), "MPJPE", 45.3),
        Row("stacked hourglass", Run("h36m", "sh_ft_h36m"), "MPJPE", 49.9),
        Row("exact", Run("h36m"), "MPJPE", 31.2),
    ]
    return Study("table11", title, tuple(rows))


def _cross_action(source: Source) -> Study:
    styles: tuple[tuple[str, Settings], ...] = (("dynamical", ()), ("fixed", (("style", "fixed"),)))
    rows = [
        Row(f"{action}, {style}", Run(source.data, source.detector, settings, (action,)), "MPJPE")
        for action in source.actions
        for style, settings in styles
    ]
    note = f"Trained on the one action that a row names, tested on all. {_note(source)}".strip()
    return Study("cross_action", "Training on one action", tuple(rows), "action", "matrix", note=note)


def _noise(source: Source) -> Study:
    paper = (24.2, 31.9, 38.6, 46.9, 56.3)
    run = Run(source.data)
    rows = [Row(f"N(0, {px:g} px)", run, f"P-MPJPE@{px:g}", p) for px, p in zip(NOISE_PX, paper, strict=True)]
    note = f"Trained on exact 2D, tested with normal noise on it. {_note(source)}".strip()
    return Study("noise", "Noise on exact 2D, protocol 2", tuple(rows), plot="line", note=note)


def _note(source: Source) -> str:
    if source.data != "mocap":
        return ""
    return (
        "Ours: motion capture filmed by virtual cameras, exact 2D, people never seen in training, bodies of one "
        "height. The paper's figures are on Human3.6M, with detected 2D unless the table says otherwise: orders "
        "compare, numbers do not."
    )


def _short(value: Any) -> str:
    return "+".join(value) or "none" if isinstance(value, tuple) else str(value)
