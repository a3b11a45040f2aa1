"""How takes are called where names are taken."""

from __future__ import annotations

from motionlift.bridge.take_names import untaken


def test_the_first_name_that_is_free() -> None:
    taken: set[str] = set()
    for expected in ("walk", "walk_t02", "walk_t03"):
        found = untaken("walk", taken.__contains__)
        assert found == expected
        taken.add(found)
    taken.remove("walk_t02")
    assert untaken("walk", taken.__contains__) == "walk_t02"
