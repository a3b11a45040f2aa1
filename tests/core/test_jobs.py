"""Settings, requests and events: what travels between processes arrives, and nonsense is refused."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path

import pytest

from motionlift.core.jobs import (
    Cancelled,
    Event,
    Failure,
    Hello,
    LiftSettings,
    MotionLiftError,
    Progress,
    Request,
    Result,
    UsageError,
    decode_event,
    decode_request,
    encode,
    internal_error,
    parse_time,
    take_paths,
)

SETTINGS = LiftSettings(start=1.5, end=9.0, person="2", height_m=1.83, mirror=True, weights="ö.safetensors")


def test_settings_travel_as_what_differs_from_the_defaults() -> None:
    assert LiftSettings().to_json() == {}
    values = json.loads(json.dumps(SETTINGS.to_json()))
    assert len(values) == 6
    assert LiftSettings.from_json(values) == SETTINGS
    assert LiftSettings.from_json({}) == LiftSettings()


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": -1.0},
        {"start": 5.0, "end": 5.0},
        {"end": 0.0},
        {"shot": 0},
        {"speed": 0.0},
        {"person": "0"},
        {"person": "tallest"},
        {"max_people": 9},
        {"height_m": 178.0},
        {"fov_degrees": 180.0},
        {"smoothing": 1.1},
        {"smoothing": float("nan")},
        {"no_such_setting": 1},
        {"smoothing": "much"},
        {"smoothing": None},
        {"smoothing": True},
        {"person": 2},
        {"person": "²"},
        {"person": ["all"]},
        {"hands": "yes"},
        {"hands": 1},
        {"stride": 2.0},
        {"stride": True},
        {"weights": 3},
        {"travel": "none"},
        {"start": [1]},
    ],
)
def test_wrong_settings_are_usage_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        LiftSettings.from_json(wrong)
    assert caught.value.code in ("bad_setting", "unknown_setting")
    assert caught.value.message


def test_a_whole_number_is_a_number_and_null_is_not_said() -> None:
    assert LiftSettings.from_json({"start": 1, "smoothing": 0, "travel": None}) == LiftSettings(start=1.0, smoothing=0)
    with pytest.raises(UsageError) as caught:
        LiftSettings.from_json({"person": 2})
    assert caught.value.message == "The setting person must be text, not '2'."


@pytest.mark.parametrize(
    "event",
    [
        Hello("0.1.0"),
        Progress("1", "detect", 3, None),
        Progress("ü", "write", 3, 4),
        Result("1", ("a b.motion.npz", "ä\n.motion.npz"), ({"person": 1, "from_s": 0.5},), ("note",)),
        Failure("1", "no_person", 'Nobody "there".', ""),
    ],
)
def test_events_arrive_as_they_left(event: Event) -> None:
    line = encode(event)
    assert "\n" not in line
    assert line.isascii()
    assert decode_event(line) == event


def test_requests_arrive_as_they_left() -> None:
    for request in (Request("quit"), Request("cancel", "7"), Request("lift", "1", "ä.mp4", "b", SETTINGS, True)):
        assert decode_request(encode(request)) == request


@pytest.mark.parametrize("line", ["", "{", "3", '{"event": "party"}', '{"event": "result"}', '{"op": "lift"}'])
def test_lines_that_are_no_events(line: str) -> None:
    with pytest.raises(MotionLiftError) as caught:
        decode_event(line)
    assert caught.value.code == "protocol"


@pytest.mark.parametrize("line", ["", "nonsense", "[]", '{"op": "dance"}', '{"op": "lift", "settings": 3}'])
def test_lines_that_are_no_requests(line: str) -> None:
    with pytest.raises(UsageError):
        decode_request(line)


def test_a_newer_side_may_say_more() -> None:
    line = json.dumps({"event": "progress", "id": "1", "stage": "lift", "done": 1, "total": 2, "mood": "good"})
    assert decode_event(line) == Progress("1", "lift", 1, 2)


def test_errors_carry_their_parts_across_processes() -> None:
    for error in (MotionLiftError("a", "It broke.", "Mend it."), UsageError("b", "No."), Cancelled()):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (again.code, again.message, again.hint) == (error.code, error.message, error.hint)
        failure = Failure.of("1", error)
        assert failure.to_error().code == error.code
    assert str(MotionLiftError("a", "It broke.", "Mend it.")) == "It broke. Mend it."
    assert "KeyError" in internal_error(KeyError("x"), "").message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12.5", 12.5), ("0", 0), ("1:02.5", 62.5), ("0:01:02.5", 62.5), ("1:00:00", 3600), (" 90 ", 90)],
)
def test_times(text: str, seconds: float) -> None:
    assert parse_time(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "1:x", "-3", "nan", "inf", "1::2"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError):
        parse_time(text)


def test_names_of_takes() -> None:
    assert take_paths(Path("a/b.bvh"), 1) == [Path("a/b.bvh")]
    assert take_paths(Path("a/b.v1.bvh"), 2) == [Path("a/b.v1_P1.bvh"), Path("a/b.v1_P2.bvh")]
    assert take_paths(Path("c.motion.npz"), 2)[1] == Path("c_P2.motion.npz")
    assert take_paths(Path("c.motion.npz"), 0) == []


def test_settings_and_records_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SETTINGS.start = 3.0  # type: ignore[misc]


def test_what_a_take_keeps_names_no_place_on_this_machine() -> None:
    settings = LiftSettings(smoothing=0.2, cache_dir="/somewhere", use_cache=False, device="cpu", hwaccel="auto")
    assert settings.of_result() == {"smoothing": 0.2}
