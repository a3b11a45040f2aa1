"""The page: everything inside it, as it is in the motion, and a script that a browser reads."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.core.motion import Motion
from motionlift.core.reporting.drawn import drawn
from motionlift.core.reporting.page import page, page_data, write_page
from motionlift.core.reporting.stretches import weak_stretches

Stander = Callable[..., Motion]


def read(text: str) -> dict[str, Any]:
    """The data that a browser finds in a page."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


def array(packed: str, kind: str, *shape: int) -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(packed), kind).reshape(shape)


def positions(person: dict[str, Any], key: str, count: int) -> np.ndarray[Any, Any]:
    steps = array(person[key], "<i2", -1, count, 3)
    return np.asarray(steps * person["unit"] + person["origin"])


def test_the_motion_is_inside(make_motion: Callable[..., Motion]) -> None:
    motion = make_motion()
    (person,) = read(page([("a", motion)]))["people"]
    figure = drawn(motion)
    frames, count = figure.points_world.shape[:2]
    np.testing.assert_array_equal(array(person["times"], "<f8", frames), motion.times)
    np.testing.assert_allclose(positions(person, "points", count), figure.points_world, atol=0.0006)
    np.testing.assert_allclose(positions(person, "feet", 4), figure.feet_world, atol=0.0006)
    sure = array(person["sure"], "u1", frames, len(figure.lines)) / 255
    np.testing.assert_allclose(sure, figure.line_confidence, atol=0.002)
    np.testing.assert_array_equal(array(person["planted"], "u1", frames, 4), figure.planted)
    np.testing.assert_array_equal(array(person["shown"], "u1", frames), figure.shown)
    assert person["lines"] == figure.lines.tolist()
    assert len(person["side"]) == count


def test_a_long_way_keeps_its_whole_length(stander: Stander) -> None:
    motion = stander(root=np.linspace([0, 0, 0], [900, 0, 0], 60))
    (person,) = read(page([("a", motion)]))["people"]
    found = positions(person, "points", person["pointCount"])
    np.testing.assert_allclose(found, drawn(motion).points_world, atol=person["unit"])
    assert person["unit"] < 0.02


def test_places_to_check_are_listed_in_the_files_time(stander: Stander) -> None:
    detected = np.ones(60, bool)
    detected[20:30] = False
    motion = stander(detected=detected)
    slow = dataclasses.replace(motion, source={**motion.source, "speed": 4.0})
    (stretch,) = weak_stretches(slow)
    (place,) = page_data("x", [("a", slow)])["places"]
    assert (place["start"], place["end"]) == pytest.approx((4 * stretch.start_s, 4 * stretch.end_s), abs=1e-3)
    assert place["words"] == stretch.words


def test_the_filming_camera_is_inside(stander: Stander) -> None:
    motion = stander()
    data = page_data("x", [("a", motion)])
    (camera,) = data["camera"]
    point = motion.joint_positions[0, 5]
    away = point - camera["eye"]
    x, y, z = (away @ np.array(camera[axis]) for axis in ("right", "down", "forward"))
    pixels = [camera["fx"] * x / z + camera["cx"], camera["fy"] * y / z + camera["cy"]]
    from motionlift.core.reporting.evidence import in_picture

    np.testing.assert_allclose(pixels, in_picture(motion, motion.joint_positions)[0, 5], atol=0.01)
    moving = dataclasses.replace(motion, world_from_camera=np.repeat(motion.world_from_camera, 60, 0))
    assert len(page_data("x", [("a", moving)])["camera"]) == 60


def test_it_needs_no_network(stander: Stander) -> None:
    text = page([("a", stander()), ("b", stander())])
    for word in ("http:", "https:", "//cdn", "src=", "href=", "@import", "url(", "fetch(", "XMLHttp", "WebSocket"):
        assert word not in text


def test_names_cannot_break_out(stander: Stander) -> None:
    name = "</script><script>alert('x')</script><!-- läufer"
    text = page([(name, stander())])
    assert text.count("</script>") == page([("plain", stander())]).count("</script>")
    assert "alert('x')</script>" not in text
    data = read(text)
    assert data["title"] == name
    assert data["people"][0]["name"] == name


def test_somebody_who_is_never_seen(stander: Stander) -> None:
    data = read(page([("a", stander(detected=np.zeros(60, bool)))]))
    assert not any(base64.b64decode(data["people"][0]["shown"]))
    assert data["distance"] > 0


def test_the_file_is_written_whole(tmp_path: Path, stander: Stander) -> None:
    write_page([("läufer", stander())], tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text("utf-8") == page([("läufer", stander())])
    assert len(list(tmp_path.iterdir())) == 1


def test_a_browser_can_read_the_script(tmp_path: Path, stander: Stander) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node to check the script's syntax with")
    scripts = re.findall(r"<script>(.*?)</script>", page([("a", stander())]), re.DOTALL)
    assert len(scripts) == 1
    (tmp_path / "page.js").write_text(scripts[0], encoding="utf-8")
    done = subprocess.run([node, "--check", tmp_path / "page.js"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
