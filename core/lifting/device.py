"""Where the network runs."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterator
from typing import Literal, get_args

import torch

from ..jobs import UsageError
from ..skeleton import BODY_26
from .graph import nearest, tie_ranks

log = logging.getLogger(__name__)

DEVICES = ("auto", "cuda", "mps", "cpu")
Precision = Literal["exact", "tf32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
"""What matrix products are computed in: "exact", single precision, everywhere the default; "tf32", factors rounded to
10 bits on NVIDIA's tensor cores (elsewhere the same as exact); "bfloat16", features and weights rounded to 7 bits.

Rounded features have other neighbours: on the sample clip bfloat16 moved the joints of a DG-Net without an encoder by
15 mm on average (64 channels, 3 blocks), so neither is chosen for anyone."""


AGREEMENT = 0.99
"""Share of joints whose neighbours a device must find as the CPU does."""


def available_devices() -> list[str]:
    """The devices of this machine, best first; always ends with `cpu`."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def choose_device(name: str = "auto") -> torch.device:
    """The device called `name`; `auto` takes the best there is that can compute what lifting needs, and
    `cuda:1` one of several.

    Raises `UsageError` (`unknown_device`, `device_missing`).
    """
    available = available_devices()
    if name == "auto":
        return torch.device(next(kind for kind in available if kind == "cpu" or _computes(kind)))
    kind, _, index = name.partition(":")
    if kind not in DEVICES or (index and not (kind == "cuda" and index.isdigit())):
        raise UsageError("unknown_device", f"There is no device called {name!r}.", f"Use one of {', '.join(DEVICES)}.")
    if kind not in available or (index and int(index) >= torch.cuda.device_count()):
        raise UsageError(
            "device_missing",
            f"The device {name} was asked for, but PyTorch {torch.__version__} finds none here.",
            f"Use auto or one of {', '.join(available)}; `motionlift doctor` shows what is missing.",
        )
    return torch.device(name)


@functools.cache
def _computes(kind: str) -> bool:
    """Whether neighbours found on a device are those found on the CPU: a build of PyTorch may have no kernels for this
    GPU, and the search compares floats by their bits, which not every device offers."""
    features = torch.randn(32, len(BODY_26), 16, generator=torch.Generator().manual_seed(0))
    ranks = tie_ranks(BODY_26)
    try:
        found = nearest(features.to(kind), 3, ranks.to(kind)).cpu()
    except (RuntimeError, TypeError) as error:
        log.warning("the device %s is not used, it cannot compute what lifting needs: %s", kind, error)
        return False
    # Rounded otherwise, a distance or two may change places.
    if (found == nearest(features, 3, ranks)).all(-1).float().mean() > AGREEMENT:
        return True
    log.warning("the device %s is not used: it finds other neighbours than the CPU", kind)
    return False


@contextlib.contextmanager
def matrix_products(precision: Precision, device: torch.device) -> Iterator[None]:
    """Matrix products in `precision` within the block, as far as that is a setting of PyTorch's (tf32 on CUDA)."""
    if precision != "tf32" or device.type != "cuda":
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
