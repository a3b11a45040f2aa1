"""No option of the command line is told to someone who sees a panel."""

from __future__ import annotations

from motionlift.addon.panel_words import PANEL_NAMES, in_panel


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
