"""Where the network runs."""

from __future__ import annotations

import pytest
import torch

from motionlift.core.jobs import UsageError
from motionlift.core.lifting.device import available_devices, choose_device


def test_automatic_is_the_best_there_is() -> None:
    assert choose_device("auto").type == available_devices()[0]
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "", "cpu:1", "cuda:x", "mps:0:1"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_device(name)
    assert caught.value.code == "unknown_device"


@pytest.mark.parametrize("name", ["cuda", "mps", "cuda:99"])
def test_a_missing_device_is_said_to_be_missing(name: str) -> None:
    if name in available_devices():
        pytest.skip(f"{name} is here")
    with pytest.raises(UsageError) as caught:
        choose_device(name)
    assert caught.value.code == "device_missing"
    assert "cpu" in caught.value.hint
