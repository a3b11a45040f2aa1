"""Times strictly increase, good stamps are kept, bad ones repaired."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.core.video.clock import Clock

STEP = 0.1


def run(stamps: list[float | None]) -> list[float]:
    clock: Clock[int] = Clock(STEP)
    settled = [done for index, stamp in enumerate(stamps) for done in clock.push(stamp, index)]
    settled += clock.flush()
    assert [index for _, index in settled] == list(range(len(stamps)))
    times = [time for time, _ in settled]
    assert np.all(np.diff(times) > 0)
    return times


def test_good_stamps_are_kept() -> None:
    assert run([0.0, 0.05, 0.2, 0.21]) == [0.0, 0.05, 0.2, 0.21]


@pytest.mark.parametrize("bad", [None, 0.1, 0.05])
def test_bad_stamps_share_the_interval(bad: float | None) -> None:
    assert run([0.0, 0.1, bad, bad, 0.4]) == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_missing_stamps_follow_at_the_rate() -> None:
    assert run([None] * 30) == pytest.approx(STEP * np.arange(30))
    assert run([0.0, 0.1, None, None]) == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_missing_stamps_at_the_beginning() -> None:
    assert run([None, None, 0.2, 0.3]) == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_restarted_clock_goes_on() -> None:
    first, second = list(STEP * np.arange(20)), list(STEP * np.arange(20))
    assert run(first + second) == pytest.approx(STEP * np.arange(40))


def test_any_stamps_give_increasing_times() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        stamps = np.cumsum(random.normal(0.05, 0.2, 40)).tolist()
        run([None if random.uniform() < 0.2 else stamp for stamp in stamps])
