"""No option of the command line is told to someone who sees a panel."""

from __future__ import annotations

from motionlift.addon.panel_words import PANEL_NAMES, in_panel, wrapped


def test_options_get_the_names_of_the_panel() -> None:
    told = "The person is assumed 1.70 m tall: give --height for true distances."
    assert in_panel(told) == "The person is assumed 1.70 m tall: set Known Height for true distances."
    assert in_panel("Take a longer stretch with --start and --end.") == "Take a longer stretch with Trim."
    assert in_panel("Lift the video again with --hands.") == "Lift the video again with Fingers."
    assert in_panel("Nothing of it.") == "Nothing of it."


def test_longer_options_come_before_those_they_hold() -> None:
    names = list(PANEL_NAMES)
    for number, name in enumerate(names):
        assert not any(earlier in name for earlier in names[:number])
    assert "--" not in in_panel(" ".join(names))


def test_lines_hold_what_fits() -> None:
    # As wide as letters are in print: three times as wide in capitals.
    def fits(text: str) -> bool:
        return sum(3 if letter.isupper() else 1 for letter in text) <= 12

    assert list(wrapped("walk_t02: 25 frames on 21 bones", fits)) == ["walk_t02: 25", "frames on 21", "bones"]
    assert list(wrapped("WALK_t02: 25 frames", fits)) == ["WALK", "_t02: 25", "frames"]
    assert list(wrapped("a very_long_name_of_a_clip", fits)) == ["a", "very_long_na", "me_of_a_clip"]
    assert list(wrapped("", fits)) == [""]
    # Nothing is lost where nothing fits.
    assert list(wrapped("ab c", lambda _: False)) == ["a", "b", "c"]
