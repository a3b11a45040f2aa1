"""The script that runs tests in every Blender: what it says where it cannot."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from motionlift.bridge.blender import __path__ as blender_side


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).with_name("blender_versions.py")
    spec = importlib.util.spec_from_file_location("blender_versions", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_unknown_versions_are_refused(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        script.main(["2.79"])
    assert caught.value.code == script.NO_ENVIRONMENT
    assert "2.79: not among 4.2, 4.5, 5.0, 5.2" in capsys.readouterr().err


def test_a_missing_python_is_named(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(script, "BLENDERS", {"9.0": ("9.0.0", "3.99")})
    with caplog.at_level("INFO"):
        assert script.main(["--cache", str(tmp_path)]) == script.NO_ENVIRONMENT
    assert "There is no Python 3.99 here." in caplog.text


def test_a_test_that_fails_fails_the_run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With this Python as an environment that is there, and a test folder of the test's own."""
    tests = tmp_path / "tests"
    tests.mkdir()
    monkeypatch.setattr(script, "environment", lambda blender, folder: Path(sys.executable))
    monkeypatch.setattr(script, "SAY_VERSIONS", "print('5.0.1 LTS', '3.11.7', '1.26.4')")
    monkeypatch.setattr(script, "TESTS", (str(tests),))
    for body, code, counts in [
        ("assert True", script.GOOD, {"passed": 1}),
        ("assert False", script.FAILED, {"failed": 1}),
        ("import pytest; pytest.skip()", script.FAILED, {"skipped": 1}),
    ]:
        (tests / "test_one.py").write_text(f"def test_one():\n    {body}\n")
        outcome = script._tested("5.0", tmp_path, [])
        assert (outcome.code, outcome.counts) == (code, counts)
        assert "5.0.1 LTS  3.11.7" in script.table([outcome])


def test_pytest_gets_what_follows_the_dashes(script: ModuleType) -> None:
    assert script._split(["4.2", "--", "-k", "override"]) == (["4.2"], "--", ["-k", "override"])
    assert script._split(["4.2"]) == (["4.2"], "", ())


def test_differences_between_versions_are_in_one_place() -> None:
    """No other module of the bridge asks which Blender it is in, but to say so."""
    asking = {
        path.name
        for path in Path(next(iter(blender_side))).glob("*.py")
        if "hasattr(" in path.read_text() or "bpy.app.version <" in path.read_text()
    }
    assert asking <= {"versions.py"}, asking
