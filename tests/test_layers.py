"""The import rules of pyproject cover the whole tree: a new module of `core` is either contract or closed."""

from __future__ import annotations

import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CONTRACT = {
    "bvh",
    "camera",
    "files",
    "hand_skeleton",
    "jobs",
    "keypoints",
    "motion",
    "npz",
    "rotation",
    "skeleton",
    "system_libraries",
}
"""The modules of `core` that bridge and addon may use."""


def _rule(name: str) -> dict[str, list[str]]:
    rules = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    found: dict[str, list[str]] = next(rule for rule in rules if rule["name"] == name)
    return found


def _modules(folder: Path) -> set[str]:
    inside = {path.parent.name for path in folder.glob("*/__init__.py")}
    return inside | {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}


def test_every_module_of_core_is_contract_or_closed_to_bridge_and_addon() -> None:
    closed = _rule("bridge and addon see only the contract modules of core")["forbidden_modules"]
    assert {f"motionlift.core.{name}" for name in _modules(REPOSITORY / "core") - CONTRACT} == set(closed)


def test_the_contract_modules_run_inside_blender() -> None:
    light = _rule("what runs inside Blender's Python needs nothing but numpy")["source_modules"]
    assert {f"motionlift.core.{name}" for name in CONTRACT} | {"motionlift.addon", "motionlift.bridge"} == set(light)
