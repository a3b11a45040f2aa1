"""Weights on disk: safetensors in half precision, with the configuration and where they come from in the header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..files import written_beside
from ..jobs import MotionLiftError, UsageError
from .network import DGNet, DGNetConfig

FORMAT = "motionlift-dgnet-1"
_HALF_MAX = torch.finfo(torch.float16).max
_FLOAT_MAX = torch.finfo(torch.float32).max


def default_weights() -> Path:
    """The weights that come with the package, whether or not they are there."""
    return Path(__file__).resolve().parents[2] / "weights" / "dgnet-body26.safetensors"


def save_weights(path: Path, model: DGNet, info: Mapping[str, Any]) -> None:
    """Write `model` for use (without block heads), with `info` (JSON values: data, settings, measurements).

    Written beside `path` and renamed. Raises `MotionLiftError`: `weights_overflow` for weights that half
    precision cannot hold, `write_failed` when the disk refuses.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in _used(model.state_dict()).items():
        whole = value.detach().cpu().contiguous()
        # BatchNorm's running statistics are few and may be large (a non-local block's features are unbounded).
        halved = whole.is_floating_point() and "running_" not in name
        if whole.is_floating_point() and not bool((whole.abs() <= (_HALF_MAX if halved else _FLOAT_MAX)).all()):
            raise MotionLiftError(
                "weights_overflow",
                f"{name} is not finite or too large to be stored.",
                "The training diverged; lower the learning rate.",
            )
        tensors[name] = whole.half() if halved else whole
    header = {
        "format": FORMAT,
        "config": json.dumps(model.config.to_json()),
        "info": json.dumps(dict(info), ensure_ascii=True),
    }
    with written_beside(path) as temporary:
        write_tensors(tensors, temporary, header)


def write_tensors(tensors: Mapping[str, Tensor], path: Path, header: Mapping[str, str] | None = None) -> None:
    """Write safetensors. Raises `OSError` where the disk refuses: the library has an error of its own for that."""
    try:
        save_file(dict(tensors), path, None if header is None else dict(header))
    except SafetensorError as error:
        raise OSError(str(error)) from error


def load_weights(path: Path, device: torch.device | str = "cpu") -> DGNet:
    """The network stored at `path`, single precision, evaluation mode, no block heads, on `device`.

    Raises `MotionLiftError`: `weights_missing`, `weights_not_ours`.
    """
    header, tensors = _read(path)
    config = _config(path, header)
    model = DGNet(config, block_heads=False)
    expected = model.state_dict()
    missing, extra = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    if missing or extra:
        lacks = [f"it lacks {_some(missing)}"] if missing else []
        holds = [f"it holds {_some(extra)}, which the network has not"] if extra else []
        counts = f" (expected {len(expected)} tensors for its configuration, found {len(tensors)})"
        raise _not_ours(path, " and ".join(lacks + holds) + counts)
    for name, value in tensors.items():
        if value.shape != expected[name].shape:
            raise _not_ours(
                path, f"{name} should have shape {tuple(expected[name].shape)}, but has {tuple(value.shape)}"
            )
        if not bool(value.isfinite().all()):
            raise _not_ours(path, f"{name} should hold numbers, but holds some that are not finite")
    model.load_state_dict({name: value.to(expected[name].dtype) for name, value in tensors.items()})
    return model.eval().requires_grad_(False).to(device)


def weights_info(path: Path) -> tuple[DGNetConfig, dict[str, Any]]:
    """The configuration and `info` of a weights file, without its tensors. Raises as `load_weights`."""
    header, _ = _read(path, tensors=False)
    config = _config(path, header)
    try:
        info = json.loads(header.get("info", "{}"))
    except ValueError as error:
        raise _not_ours(path, "its notes cannot be read") from error
    return config, info if isinstance(info, dict) else {}


def _read(path: Path, tensors: bool = True) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():
        raise MotionLiftError(
            "weights_missing",
            f"There are no weights at {path}.",
            "Reinstall MotionLift, train with `motionlift train`, or give another file.",
        )
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys() if tensors else []
            return file.metadata() or {}, {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise _not_ours(path, f"it cannot be read as safetensors ({error})") from error


def _config(path: Path, header: Mapping[str, str]) -> DGNetConfig:
    if header.get("format") != FORMAT:
        raise _not_ours(path, f"its format is {header.get('format', 'not given')}, not {FORMAT}")
    try:
        values = json.loads(header["config"])
        if not isinstance(values, dict):
            raise _not_ours(path, "its configuration is no JSON object")
        return DGNetConfig.from_json(values)
    except (KeyError, ValueError) as error:
        raise _not_ours(path, "its configuration cannot be read") from error
    except UsageError as error:
        raise _not_ours(path, f"its configuration does not fit: {error.message}") from error


def _used(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith("block_heads.")}


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _not_ours(path: Path, what: str) -> MotionLiftError:
    return MotionLiftError(
        "weights_not_ours",
        f"{path.name} does not hold weights of this version of MotionLift: {what}.",
        "Use weights that came with MotionLift or were made by `motionlift train`.",
    )
