"""The preview video: written, decoded again, and looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from motionlift.core.jobs import Cancelled, MotionLiftError, UsageError
from motionlift.core.motion import Motion
from motionlift.core.reporting.painting import BACKGROUND
from motionlift.core.reporting.preview_video import Plan, drawn_preview, plan_preview, write_preview
from motionlift.core.reporting.views import VIEWS
from motionlift.core.video.conversion import Image

Stander = Callable[..., Motion]
EncodeVideo = Callable[..., Path]
HEIGHT = 160


@dataclass(frozen=True)
class Film:
    """A file decoded: pictures, their times in s, and what the file says of itself."""

    images: list[Image]
    times: list[float]
    size: tuple[int, int]
    rate: float
    matrix: int


def decoded(path: Path) -> Film:
    images, times = [], []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            images.append(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
            times.append(float(frame.time or 0))
        size, rate = (stream.width, stream.height), float(stream.average_rate or 0)
        return Film(images, times, size, rate, int(stream.codec_context.colorspace))


def shades(count: int) -> list[Image]:
    """Pictures whose brightness tells their number."""
    return [np.full((120, 160, 3), 20 + 4 * index, np.uint8) for index in range(count)]


def corner(image: Image) -> float:
    """The brightness of the footage's lower left corner, where no figure is."""
    return float(image[HEIGHT - 20 : HEIGHT - 4, 4:20].mean())


def small(motion: Motion) -> Motion:
    """The same take filmed with a quarter of the pixels, 4:3."""
    K = motion.camera_K / 4
    K[:, 2, 2] = 1
    return dataclasses.replace(motion, camera_K=K, image_size=(160, 120), keypoints_2d=motion.keypoints_2d / 4)


@pytest.fixture
def footage(tmp_path: Path, encode_video: EncodeVideo) -> Path:
    return encode_video(tmp_path / "walk.mp4", shades(50))


def test_frames_size_and_rate(tmp_path: Path, stander: Stander, footage: Path) -> None:
    motion = small(stander(frames=50))
    output = tmp_path / "preview.mp4"
    assert write_preview([("a", motion)], footage, output, height=HEIGHT) == []
    film = decoded(output)
    plan = plan_preview([("a", motion)], footage, "turntable", HEIGHT)
    assert len(film.images) == 50
    assert film.size == plan.size == (214 + HEIGHT, HEIGHT + 40)
    assert film.rate == 30
    np.testing.assert_allclose(film.times, motion.times, atol=1e-4)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["preview.mp4", "walk.mp4"]


def test_each_frame_shows_its_own_picture(tmp_path: Path, stander: Stander, footage: Path) -> None:
    motion = small(stander(frames=20))
    motion = dataclasses.replace(motion, times=motion.times + 1.0)
    write_preview([("a", motion)], footage, tmp_path / "preview.mp4", height=HEIGHT)
    film = decoded(tmp_path / "preview.mp4")
    assert film.times[0] == 0
    for index, image in enumerate(film.images):
        assert corner(image) == pytest.approx(20 + 4 * (30 + index), abs=3)


def test_slow_motion_is_shown_as_the_file_plays(tmp_path: Path, stander: Stander, footage: Path) -> None:
    motion = small(stander(frames=40, fps=240))
    motion = dataclasses.replace(motion, source={**motion.source, "speed": 8.0})
    write_preview([("a", motion)], footage, tmp_path / "preview.mp4", height=HEIGHT)
    film = decoded(tmp_path / "preview.mp4")
    assert film.rate == 30
    np.testing.assert_allclose(film.times, np.arange(40) / 30, atol=1e-4)
    assert corner(film.images[30]) == pytest.approx(20 + 4 * 30, abs=3)


def test_uneven_times_are_kept(tmp_path: Path, stander: Stander) -> None:
    times = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.06, 30))
    motion = dataclasses.replace(small(stander(frames=30)), times=times)
    write_preview([("a", motion)], None, tmp_path / "preview.mp4", height=HEIGHT)
    np.testing.assert_allclose(decoded(tmp_path / "preview.mp4").times, times - times[0], atol=1e-4)


def test_colours_survive(tmp_path: Path, stander: Stander, encode_video: EncodeVideo) -> None:
    """Through the encoder and a decoder that knows nothing of us; the tag says how."""
    colour = (200, 60, 30)
    picture = np.full((120, 160, 3), colour, np.uint8)
    footage = encode_video(tmp_path / "walk.mkv", [picture] * 5, codec="ffv1", pix_fmt="bgr0", options={"level": "3"})
    write_preview([("a", small(stander(frames=5)))], footage, tmp_path / "preview.mp4", height=HEIGHT)
    film = decoded(tmp_path / "preview.mp4")
    np.testing.assert_allclose(film.images[2][HEIGHT - 20 : HEIGHT - 4, 4:20].mean((0, 1)), colour, atol=5)
    assert film.matrix == 6


def test_the_figure_lies_on_its_keypoints(stander: Stander) -> None:
    motion = stander()
    plan = plan_preview([("a", motion)], None, "front", 480)
    panel = next(drawn_preview(plan, black(plan), False)).picture[:480, :640]
    for x, y in motion.keypoints_2d[0]:
        assert panel[int(y) - 12 : int(y) + 13, int(x) - 12 : int(x) + 13].max() > 150
    assert not panel[440:, :100].any()


def black(plan: Plan) -> Iterator[Image | None]:
    return iter([None] * len(plan.times))


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_the_figure(stander: Stander, view: str) -> None:
    plan = plan_preview([("a", stander())], None, view, 200)  # type: ignore[arg-type]
    panel = next(drawn_preview(plan, black(plan), False)).picture[60:200, plan.panel[0] :]
    assert (np.abs(panel.astype(int) - BACKGROUND).max(-1) > 150).mean() > 0.005


def test_without_footage_it_is_black_and_says_so(stander: Stander) -> None:
    plan = plan_preview([("a", stander())], None, "side", 480)
    assert plan.notes == ("no footage",)


def test_footage_that_ends_early_is_told(tmp_path: Path, stander: Stander, encode_video: EncodeVideo) -> None:
    footage = encode_video(tmp_path / "walk.mp4", shades(20))
    (warning,) = write_preview([("a", small(stander(frames=50)))], footage, tmp_path / "p.mp4", height=HEIGHT)
    assert "walk.mp4" in warning
    images = decoded(tmp_path / "p.mp4").images
    assert len(images) == 50
    assert corner(images[10]) > 40
    assert corner(images[45]) < 5


def test_a_mirrored_clip_is_shown_as_it_was_lifted(stander: Stander) -> None:
    motion = stander()
    mirrored = dataclasses.replace(motion, source={**motion.source, "settings": {"mirror": True}})
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[400:, :100] = 200
    for take, shown in ((motion, np.s_[-40:, 10:60]), (mirrored, np.s_[-40:, -60:-10])):
        plan = plan_preview([("a", take)], None, "side", 480)
        panel = next(drawn_preview(plan, iter([picture]), True)).picture[:480, :640]
        assert panel[shown].min() == 200


def test_people_come_and_go(stander: Stander) -> None:
    first = stander(detected=np.arange(60) < 30)
    second = stander(detected=np.arange(60) >= 40, root=np.tile([0.5, 0, 0], (60, 1)))
    plan = plan_preview([("a", first), ("b", second)], None, "front", 200)
    shown = [
        (drawing.picture[:200, : plan.panel[0]][60:] > 100).any() for drawing in drawn_preview(plan, black(plan), False)
    ]
    assert shown == [index < 30 or index >= 40 for index in range(60)]


def test_pictures_are_drawn_one_at_a_time(stander: Stander) -> None:
    plan = plan_preview([("a", stander())], None, "front", 200)
    asked = 0

    def pictures() -> Iterator[Image | None]:
        nonlocal asked
        for _ in plan.times:
            asked += 1
            yield None

    drawings = drawn_preview(plan, pictures(), False)
    first = next(drawings)
    assert asked == 1
    assert next(drawings).picture is first.picture
    assert asked == 2


def test_stopping_leaves_nothing(tmp_path: Path, stander: Stander, footage: Path) -> None:
    output = tmp_path / "preview.mp4"
    output.write_bytes(b"mine")
    done: list[int] = []
    with pytest.raises(Cancelled):
        write_preview(
            [("a", small(stander(frames=50)))],
            footage,
            output,
            height=HEIGHT,
            progress=lambda stage, count, total: done.append(count),
            cancelled=lambda: len(done) >= 7,
        )
    assert len(done) == 7
    assert output.read_bytes() == b"mine"
    assert {path.name for path in tmp_path.iterdir()} == {"preview.mp4", "walk.mp4"}


def test_footage_that_is_no_video(tmp_path: Path, stander: Stander) -> None:
    wrong = tmp_path / "walk.mp4"
    wrong.write_text("Dear diary")
    with pytest.raises(MotionLiftError, match=r"walk\.mp4"):
        write_preview([("a", stander())], wrong, tmp_path / "p.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["walk.mp4"]


def test_motions_of_different_clips_are_refused(tmp_path: Path, stander: Stander) -> None:
    motion = stander()
    other = dataclasses.replace(motion, source={**motion.source, "content_hash": "y"})
    with pytest.raises(UsageError, match="different videos"):
        write_preview([("a", motion), ("b", other)], None, tmp_path / "p.mp4")
    assert not list(tmp_path.iterdir())
