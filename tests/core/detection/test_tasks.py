"""MediaPipe comes without what nobody here uses, and whoever wants that still gets it."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

from motionlift.core.detection.tasks import UNUSED, postponed


def test_detection_loads_neither_drawing_nor_sound_nor_scipy() -> None:
    script = """
import sys
import motionlift.core.detection.people
print(*(name for name in ("matplotlib", "sounddevice", "scipy", "torch", "typer") if name in sys.modules))
import mediapipe
drawing = getattr(getattr(mediapipe, "solutions", None), "drawing_utils", None)
if drawing is not None:
    assert drawing.plt.figure.__module__ == "matplotlib.pyplot"
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_stand_in_gives_way_to_the_real_module(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("wsgiref", "wsgiref.util", "wsgiref.headers"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with postponed("wsgiref.util"):
        import wsgiref.util as first
    assert "wsgiref" not in sys.modules
    assert "FileWrapper" not in vars(first)
    import wsgiref.util as real

    assert first.FileWrapper is real.FileWrapper
    with pytest.raises(AttributeError):
        getattr(first, "nothing")  # noqa: B009


def test_what_is_loaded_stays() -> None:
    with postponed("json"):
        import json
    assert isinstance(json, types.ModuleType)
    assert json is sys.modules["json"]
    assert UNUSED
