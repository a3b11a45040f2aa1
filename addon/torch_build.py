"""Which build of torch a machine wants, and where it lies.

For torch 2.13 there are builds for CUDA 12.6 and 13.0 (PyTorch's RELEASE.md, release compatibility and CUDA support
matrices: 12.6 for Maxwell 5.0 to Hopper 9.0, 13.0 for Turing 7.5 to Blackwell 12.0, alike on Linux and Windows). PyPI
has the one for CUDA 13.0 for Linux, and the one without CUDA for Windows and macOS; all others lie on PyTorch's own
index. CUDA 13 runs with drivers from 580 on, CUDA 12 from 525 on (NVIDIA, CUDA Compatibility, minor version
compatibility, table 1), on Windows from 528.33 on (NVIDIA, CUDA Toolkit release notes, table of minimum drivers).
"""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

log = logging.getLogger(__name__)

TORCH_INDEX = "https://download.pytorch.org/whl/"
DRIVER_OF_CUDA_13 = (580, 0)
DRIVER_OF_CUDA_12 = {"linux": (525, 60), "win32": (528, 33)}
PATIENCE_SECONDS = 20.0

Build = Literal["cpu", "cu126", "cu130"]


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU: its name, compute capability and driver as (major, minor)."""

    name: str
    capability: tuple[int, int]
    driver: tuple[int, int]


def has_nvidia() -> bool:
    """Whether a driver for NVIDIA's GPUs is installed."""
    return shutil.which("nvidia-smi") is not None


def find_gpu() -> Gpu | None:
    """The first GPU that the driver names; None where there is none, or it does not say. Takes up to seconds."""
    command = ["nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=PATIENCE_SECONDS,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.info("nvidia-smi: %s", error)
        return None
    return read_gpu(done.stdout)


def read_gpu(text: str) -> Gpu | None:
    """The first GPU in what nvidia-smi writes: `NVIDIA GeForce RTX 3060, 8.6, 581.42`."""
    found = re.search(r"(?m)^(.+), (\d+)\.(\d+), (\d+)\.(\d+)", text)
    if not found:
        return None
    return Gpu(found[1], (int(found[2]), int(found[3])), (int(found[4]), int(found[5])))


def torch_build(gpu: Gpu | None, wanted: bool, system: str = sys.platform) -> tuple[Build, str]:
    """The build for a machine, and why, for the log. `wanted`: whether one for a GPU is asked for at all.

    Where nothing is known of the GPU it is the newest; where none runs on it, the one for the CPU.
    """
    if not wanted:
        return "cpu", "torch for the CPU"
    if gpu is None:
        return "cu130", "torch for CUDA 13.0: nothing is known of the GPU"
    capability, driver = (".".join(map(str, parts)) for parts in (gpu.capability, gpu.driver))
    words = f"{gpu.name}, compute capability {capability}, driver {driver}"
    if gpu.capability >= (7, 5) and gpu.driver >= DRIVER_OF_CUDA_13:
        return "cu130", f"torch for CUDA 13.0: {words}"
    if (5, 0) <= gpu.capability <= (9, 0) and gpu.driver >= DRIVER_OF_CUDA_12.get(system, (525, 0)):
        return "cu126", f"torch for CUDA 12.6: {words}"
    if gpu.capability >= (5, 0):
        return "cpu", f"torch for the CPU, since the driver is too old, a newer one lets the GPU be used: {words}"
    return "cpu", f"torch for the CPU: no build runs on {words}"


def torch_requirement(there: str | None, build: Build, index: str | None, pinned: str) -> str:
    """What pip is asked for, so that another build takes the place of the one that is there: a version without a local
    part, 2.13.0, is content with any, 2.13.0+cpu.

    `there`: the version that is installed, None without one; `build`: the one that is wanted, from `index`, None where
    that is not asked; `pinned`: the version, without a local part.
    """
    if there is None or (index is None and torch_index(build) is not None) or sys.platform == "darwin":
        return "torch"
    wanted = pinned if index is None else f"{pinned}+{build}"
    return "torch" if there == wanted else f"torch==={wanted}"


def torch_index(build: Build) -> str | None:
    """Where a build lies beside PyPI; None where PyPI has it."""
    on_pypi = "cu130" if sys.platform == "linux" else "cpu"
    return None if sys.platform == "darwin" or build == on_pypi else TORCH_INDEX + build
