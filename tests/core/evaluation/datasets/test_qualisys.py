"""Qualisys' calibrations: a file in exactly its format gives the cameras it was written from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionlift.core import camera
from motionlift.core.evaluation.datasets.calibration import Lens, PlacedCamera
from motionlift.core.evaluation.datasets.qualisys import load_cameras
from motionlift.core.jobs import MotionLiftError
from motionlift.core.rotation import Array


def placed(eye: Array, target: Array) -> PlacedCamera:
    pose = camera.inverse(camera.look_at(eye, target))
    lens = Lens(
        np.array([1680.0, 1679.0]), np.array([533.0, 950.0]), np.array([-0.05, 0.14, 0.0]), np.array([7e-4, 6e-4])
    )
    return PlacedCamera(lens, pose[:3, :3], pose[:3, 3], 0.0)


def written(cameras: list[PlacedCamera]) -> str:
    """As Qualisys Track Manager exports them."""
    lines = ['<?xml version="1.0"?>', '<calibration source="a.qca.txt" type="regular"><results/><cameras>']
    for number, each in enumerate(cameras):
        axes = np.diag([1.0, -1.0, -1.0]) @ each.rotation
        turned = " ".join(f'r{r + 1}{c + 1}="{float(axes[r, c])!r}"' for r in range(3) for c in range(3))
        x, y, z = (-each.rotation.T @ each.translation * 1000).tolist()
        (fu, fv), (cu, cv) = (64 * each.lens.focal).tolist(), (64 * each.lens.centre).tolist()
        k1, k2, k3 = each.lens.radial.tolist()
        p2, p1 = each.lens.tangential.tolist()
        lines.append(
            f'<camera active="1" serial="cam{number}"><transform {turned} x="{x}" y="{y}" z="{z}"/>'
            f'<intrinsic focalLengthU="{fu}" focalLengthV="{fv}" centerPointU="{cu}" centerPointV="{cv}" skew="0" '
            f'radialDistortion1="{k1}" radialDistortion2="{k2}" radialDistortion3="{k3}" '
            f'tangentalDistortion1="{p1}" tangentalDistortion2="{p2}"/></camera>'
        )
    return "\n".join([*lines, "</cameras></calibration>"])


def test_cameras_come_back(tmp_path: Path) -> None:
    cameras = [placed(np.array([3.0, -2, 1.9]), np.array([0.0, 0, 1])), placed(np.array([-3.0, 2, 1.2]), np.zeros(3))]
    (tmp_path / "c.qca.txt").write_text(written(cameras))
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    for found, true in zip(load_cameras(tmp_path / "c.qca.txt"), cameras, strict=True):
        pixels = true.lens.project(true.from_world(points))
        assert found.lens.project(found.from_world(points)) == pytest.approx(pixels, abs=1e-6)


@pytest.mark.parametrize(
    "text", ["", "<calibration/>", "<c><camera/></c>", "<c><camera><transform/><intrinsic/></camera></c>"]
)
def test_what_is_no_calibration_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.txt").write_text(text)
    with pytest.raises(MotionLiftError) as caught:
        load_cameras(tmp_path / "c.txt")
    assert caught.value.code == "bad_calibration"
