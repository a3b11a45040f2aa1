"""One tree, two packages: the wheel for pip and the extension for Blender hold what they should and nothing else."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from motionlift import __version__
from motionlift.core.commands import doctor

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGED = ("addon", "bridge", "core", "samples", "weights")
"""The folders that a wheel holds whole."""
BESIDE = ("__init__.py", "__main__.py", "blender_manifest.toml", "constraints.txt")
"""And the files of the root."""
DEVELOPERS = ("tests/", "core/training/", "core/synthesis/", "core/evaluation/")
PLATFORMS = {"windows-x64", "windows-arm64", "macos-x64", "macos-arm64", "linux-x64"}
PERMISSIONS = {"files", "network", "clipboard", "camera", "microphone"}
HEAVY = ("torch", "mediapipe", "bpy", "scipy", "av", "cv2")


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "blender_manifest.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in the wheel, without its metadata; built by setuptools from a copy of the repository."""
    pytest.importorskip("setuptools", reason="the wheel is built with setuptools")
    folder = tmp_path_factory.mktemp("wheel")
    script = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", script, folder], cwd=tree, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return [name for name in archive.namelist() if ".dist-info/" not in name]


def _files(root: Path) -> set[str]:
    """What belongs into the packages, by its path in the tree."""
    found = [path for folder in PACKAGED for path in (root / folder).rglob("*") if path.is_file()]
    return {*(path.relative_to(root).as_posix() for path in found if "__pycache__" not in path.parts), *BESIDE}


def test_the_wheel_holds_the_tree(wheel: list[str], tree: Path) -> None:
    assert set(wheel) == {f"motionlift/{name}" for name in _files(tree)}


def test_the_extension_holds_the_tree_without_what_only_developers_need(extension_zip: Path, tree: Path) -> None:
    with zipfile.ZipFile(extension_zip) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    kept = {name for name in _files(tree) if not name.startswith(DEVELOPERS)}
    assert names == kept | {"README.md", "CHANGELOG.md", "LICENSE"}


def test_what_both_cannot_do_without(tree: Path) -> None:
    sample = "samples/walk_wave_squat"
    needed = {"constraints.txt", f"{sample}.mp4", f"{sample}.truth.motion.npz", "weights/dgnet-body26.safetensors"}
    assert needed <= _files(tree)
    for weights in (REPOSITORY / "weights").glob("*.safetensors"):
        assert weights.with_suffix(".md").is_file(), f"{weights.name} has no model card"


def test_one_version(manifest: dict[str, Any], project: dict[str, Any]) -> None:
    assert manifest["version"] == project["project"]["version"] == __version__
    assert re.search(rf"^## {re.escape(__version__)}\b", (REPOSITORY / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)


def test_what_the_validation_of_manifests_misses(manifest: dict[str, Any], project: dict[str, Any]) -> None:
    assert manifest["license"] == [f"SPDX:{project['project']['license']}"] == ["SPDX:GPL-3.0-or-later"]
    assert "GNU GENERAL PUBLIC LICENSE" in (REPOSITORY / "LICENSE").read_text("utf-8")
    assert set(manifest["platforms"]) <= PLATFORMS
    assert set(manifest.get("permissions", {})) <= PERMISSIONS
    for text in (manifest["tagline"], *manifest.get("permissions", {}).values()):
        assert len(text) <= 64
        assert re.search(r"[\w)\]}]$", text), text
    for wheel in manifest.get("wheels", []):
        assert (REPOSITORY / wheel).is_file()
    assert "Blender" not in manifest["name"]
    defaults = {"__pycache__/", ".*", "/*.zip", "*.blend[1-9]"}
    assert defaults <= set(manifest["build"]["paths_exclude_pattern"])


def test_blender_finds_the_manifest_valid(in_blender: Callable[..., Any], tree: Path) -> None:
    script = """
from bl_pkg import bl_extension_cli
result = bl_extension_cli.cli_extension_handler(["validate", *arguments])
"""
    assert in_blender(script, tree) == 0


def test_the_extension_alone_is_whole(extension_zip: Path, tmp_path: Path) -> None:
    """Every relative import at the top of a module that Blender gets, or of a command, leads to a module there."""
    with zipfile.ZipFile(extension_zip) as archive:
        archive.extractall(tmp_path)
    for path in tmp_path.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.level:
                folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
                names = [""] if node.module else [alias.name for alias in node.names]
                for name in names:
                    module = folder / name
                    known = module.is_dir() or module.with_suffix(".py").is_file() or name == "__version__"
                    assert known, f"{path.relative_to(tmp_path)} misses {'.' * node.level}{node.module or name}"


def _fresh_python(folder: Path, *arguments: str) -> str:
    """What a new process prints that starts outside the repository, and imports nothing heavy on the way."""
    watch = f"""
import sys
sys.argv = {["motionlift", *arguments]!r}
try:
    __import__("motionlift.__main__").__main__.main() if sys.argv[1:] else __import__("motionlift")
except SystemExit as end:
    assert not end.code, end.code
loaded = [name for name in {HEAVY!r} if name in sys.modules]
assert not loaded, loaded
"""
    done = subprocess.run(
        [sys.executable, "-c", watch],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "100"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["lift", "--help"], ["train", "--help"]])
def test_nothing_heavy_is_imported_to_say_hello(tmp_path: Path, arguments: list[str]) -> None:
    printed = _fresh_python(tmp_path, *arguments)
    assert ("--" in printed) == ("--help" in arguments)


def test_what_is_tested_is_pinned(project: dict[str, Any]) -> None:
    """Every direct dependency has one pin for each Python, within what the project asks for."""
    asked = [Requirement(line) for line in project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        asked += [Requirement(line) for line in extra]
    lines = (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    for python in ("3.11", "3.12", "3.13", "3.14"):
        here = {"python_version": python}
        for requirement in asked:
            if requirement.name == "motionlift" or (requirement.marker and not requirement.marker.evaluate(here)):
                continue
            found = [p for p in pins if p.name == requirement.name and (not p.marker or p.marker.evaluate(here))]
            assert len(found) == 1, f"{requirement.name} has {len(found)} pins for Python {python}"
            (pin,) = found[0].specifier
            assert pin.operator == "=="
            assert requirement.specifier.contains(pin.version), f"{found[0]} on Python {python}"


def test_doctor_reads_the_pins_of_this_python() -> None:
    tested = doctor._constraints()
    assert tested["torch"] == "2.13.0"
    assert (tested["mediapipe"] == "0.10.21") == (sys.version_info < (3, 13))
    # There is no wheel of Blender for every Python.
    assert tested.get("bpy") == {11: "5.0.1", 13: "5.2.3"}.get(sys.version_info.minor)
    assert all(re.fullmatch(r"[\d.]+", version) for version in tested.values())
    assert {"numpy", "av", "mediapipe", "torch", "scipy", "safetensors"} <= set(tested)
