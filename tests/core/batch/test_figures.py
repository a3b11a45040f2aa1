"""A take in a dozen numbers, and limits on them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from motionlift.core.batch.figures import UNITS, broken_limits, parse_limit, summary
from motionlift.core.jobs import UsageError
from motionlift.core.motion import Motion
from motionlift.core.reporting.take_figures import take_figures


def test_a_summary_has_every_figure(make_motion: Callable[..., Motion]) -> None:
    motion = make_motion()
    values = summary(take_figures(motion))
    assert set(values) == set(UNITS)
    assert values["frames"] == len(motion)
    assert values["duration"] == pytest.approx(motion.times[-1] - motion.times[0], abs=1e-3)
    # One frame between the first and the last was lost.
    assert values["lost"] == pytest.approx(100 / 40, abs=1e-3)
    assert values["doubt"] is not None
    assert 0 <= values["doubt"] <= 100


@pytest.mark.parametrize(
    ("text", "value", "broken"),
    [
        ("skate>2mm", 2.1, True),
        ("skate > 2 mm", 2.0, False),
        ("skate>=2", 2.0, True),
        ("skate>0.2cm", 2.1, True),
        ("skate>.002m", 1.9, False),
        ("skate_speed>0.05m/s", 5.1, True),
        ("skate_speed>50mm/s", 4.9, False),
        ("confidence<40%", 39.0, True),
        ("frames<=10", 11, False),
    ],
)
def test_limits(text: str, value: float, broken: bool) -> None:
    limit = parse_limit(text)
    assert limit.broken({limit.figure: value}) is broken
    assert bool(broken_limits([limit], [{limit.figure: None}, {limit.figure: value}])) is broken


def test_what_cannot_be_measured_breaks_no_limit() -> None:
    assert not parse_limit("skate>2mm").broken({"skate": None})
    assert not parse_limit("skate>2mm").broken({})


@pytest.mark.parametrize("text", ["", "skate", "skate>", "skate=2mm", "grace>2", "skate>2s", "frames>2mm", "skate>x"])
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_limit(text)
    assert caught.value.code == "bad_limit"
    assert "skate" in caught.value.hint
