from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.evaluation.datasets.filmed import action_of, film_mocap, human36m_points, read_actions
from motionlift.core.jobs import MotionLiftError
from motionlift.core.rotation import normalise, to_matrix
from motionlift.core.skeleton import BODY_26, HUMAN36M_17, reference_rest, rest_points
from motionlift.core.training.mocap import PackedTakes


def test_the_crown_is_where_the_reference_body_ends() -> None:
    offsets, tails = reference_rest()
    points = human36m_points(rest_points(offsets)[None])[0]
    head, nose, thorax = (points[HUMAN36M_17.index(name)] for name in ("head", "nose", "thorax"))
    body = rest_points(offsets)
    np.testing.assert_array_equal(thorax, body[BODY_26.index("neck")])
    np.testing.assert_array_equal(nose, body[BODY_26.index("nose")])
    ears = (body[BODY_26.index("left_ear")] + body[BODY_26.index("right_ear")]) / 2
    # The head's tail lies 195 mm above its joint, the ears 80.
    np.testing.assert_allclose(head - ears, [0, 0, 0.115], atol=0.012)
    assert head[2] + offsets[0, 2] == pytest.approx(1.70, abs=0.02)
    assert tails.shape == (21, 3)


def test_the_crown_turns_with_the_head() -> None:
    rng = np.random.default_rng(0)
    body = rest_points(reference_rest()[0])
    turns = to_matrix(normalise(rng.normal(size=(5, 4))))
    np.testing.assert_allclose(
        human36m_points(body @ turns.swapaxes(-1, -2)), human36m_points(body) @ turns.swapaxes(-1, -2), atol=1e-12
    )


def test_takes_are_filmed_whole_and_in_front_of_the_camera(takes: PackedTakes) -> None:
    data = film_mocap(takes)
    assert len(data.train) == 2 * 4
    assert len(data.test) == 2 * 2
    assert {r.action for r in data.test} == {"3", "4"}
    for recording in data.train + data.test:
        assert len(recording) == 60
        assert recording.root_depth.min() > 2
        points = (
            recording.joints_camera
            + (recording.root_depth[:, None] * np.append(recording.rays[:, 0], np.ones((60, 1)), -1))[:, None]
        )
        np.testing.assert_allclose(points[..., :2] / points[..., 2:], recording.rays, atol=1e-5)
    again = film_mocap(takes)
    assert all(np.array_equal(a.screen, b.screen) for a, b in zip(data.train, again.train, strict=True))


@pytest.mark.parametrize(
    ("description", "action"),
    [
        ("slow walk; walk", "walking"),
        ("run/jog, veer left; run, jump, walk", "running"),
        ("salsa dance; salsa", "dance"),
        ("playground - climb; climb, swing", "climbing"),
        ("punch/strike; various", "fighting"),
        ("Pick up box, bend from waist; Bending over", "handling"),
        ("laugh; various everyday behaviors", "other"),
        ("trunk; crunch", "other"),
    ],
)
def test_actions_by_description(description: str, action: str) -> None:
    assert action_of(description) == action


def test_the_librarys_table_names_actions(takes: PackedTakes, tmp_path: Path) -> None:
    table = tmp_path / "index.csv"
    table.write_text("subject,file,description,subject_description\n3,3/3_01.bvh,jog,\n4,4/4_01.bvh,walk,\n", "utf-8")
    assert {r.action for r in film_mocap(takes, table).test} == {"running", "walking"}
    table.write_text("file,what\na.bvh,walk\n", "utf-8")
    with pytest.raises(MotionLiftError, match="expected columns file, description"):
        read_actions(table)
    with pytest.raises(MotionLiftError, match="cannot be read"):
        read_actions(tmp_path / "none.csv")


def test_a_set_without_a_test_part(takes: PackedTakes, make_takes: Callable[..., PackedTakes]) -> None:
    with pytest.raises(MotionLiftError, match="no part for training"):
        film_mocap(make_takes(parts=("train",) * 4))
