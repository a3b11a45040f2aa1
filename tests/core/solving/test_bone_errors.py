"""How far lifted bones are off: measured from what is given, sides alike, and what the solve makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from motionlift.core.skeleton import BODY_26, reference_rest, rest_points
from motionlift.core.solving.body import Body
from motionlift.core.solving.bone_errors import BoneErrors, measured, unit_bones
from motionlift.core.solving.evidence import Evidence, Sigmas
from motionlift.core.solving.terms import Bones, State


def test_spreads_of_made_up_errors_are_found() -> None:
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.02, 0.3, (26, 3))
    spread = (spread + spread[list(BODY_26.mirror)]) / 2
    errors = spread * rng.standard_normal((20_000, 26, 3))
    found = BoneErrors.of(errors)
    np.testing.assert_allclose(found.spread, spread, rtol=0.05)
    # A few that are far off change nothing.
    errors[::200] = 5.0
    np.testing.assert_allclose(BoneErrors.of(errors).spread, found.spread, rtol=0.05)


def test_both_sides_are_alike() -> None:
    errors = np.random.default_rng(1).standard_normal((500, 26, 3)) * np.linspace(0.1, 1, 26)[:, None]
    spread = BoneErrors.of(errors).spread
    np.testing.assert_array_equal(spread, spread[list(BODY_26.mirror)])


def test_the_file_keeps_what_was_measured(tmp_path: Path) -> None:
    errors = BoneErrors(np.random.default_rng(2).uniform(0.1, 0.3, (26, 3)) * (np.arange(26) > 0)[:, None])
    (tmp_path / "errors.json").write_text(errors.text())
    np.testing.assert_allclose(BoneErrors.load(tmp_path / "errors.json").spread, errors.spread, atol=5e-4)


def test_relative_spreads_leave_the_mean_as_it_is() -> None:
    relative = measured().relative()
    np.testing.assert_allclose((relative[1:] ** 2).mean(0), 1.0)
    assert relative.min() > 0.1
    # Fingers are the least certain, the trunk the most.
    trunk, fingers = BODY_26.indices("spine", "neck"), BODY_26.indices("left_pinky", "right_pinky")
    assert relative[trunk].max() < relative[fingers].min()


def test_directions_do_not_depend_on_size_or_place() -> None:
    points = rest_points(reference_rest()[0])[None]
    bones = unit_bones(points)
    np.testing.assert_allclose(np.linalg.norm(bones[0, 1:], axis=-1), 1.0)
    np.testing.assert_allclose(unit_bones(3 * points + [1.0, 2.0, 3.0]), bones, atol=1e-12)
    assert BODY_26.bone_starts[0] == 0
    np.testing.assert_array_equal(bones[:, 0], 0.0)


def test_the_solve_holds_certain_bones_more_firmly() -> None:
    rest, tails = reference_rest()
    body, lifted = Body.of(rest, tails), rest_points(rest)[None]
    none = np.zeros((1, 4))
    evidence = Evidence(np.zeros((1, 26, 2)), np.ones((1, 26)), lifted, np.zeros(1), None, none, none, np.zeros((1, 5)))
    term = Bones(evidence, body, Sigmas())
    figure = body.placed(torch.eye(3)[:, :, None, None].expand(3, 3, 1, 21).contiguous())

    def cost_of_leaving(name: str) -> float:
        """What it costs where one bone ends a tenth of its length beside where it was lifted to."""
        bones, bone = figure.bones.clone(), BODY_26.index(name)
        bones[0, 0, bone] += 0.1 * body.lengths[bone]
        at_rest, beside = (
            State(torch.zeros(0), torch.zeros(0), replace(figure, bones=each), torch.zeros(0))
            for each in (figure.bones, bones)
        )
        return float(term.value(beside) - term.value(at_rest))

    assert cost_of_leaving("left_knee") > cost_of_leaving("left_elbow") > cost_of_leaving("left_pinky") > 0
