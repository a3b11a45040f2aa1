import numpy as np
import pytest

from motionlift.core.evaluation import metrics
from motionlift.core.evaluation.scores import METRICS, by_action, by_joint, mean, mean_of_actions, score
from motionlift.core.rotation import Array
from motionlift.core.skeleton import HUMAN36M_17


def _clip(frames: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(frames, 17, 3))
    return true + 0.05 * rng.normal(size=true.shape), true


def test_scores_are_the_metrics_in_millimetres() -> None:
    found, true = _clip(30, 0)
    result = score(found, true, np.ones(30, bool), "walking", HUMAN36M_17, [1, 2, 3])
    assert set(result.values) == set(METRICS)
    assert result.values["MPJPE"] == pytest.approx(1000 * metrics.mpjpe(found, true).mean())
    assert result.values["P-MPJPE"] == pytest.approx(1000 * metrics.pa_mpjpe(found, true).mean())
    assert result.values["MPJVE"] == pytest.approx(1000 * metrics.mpjve(found, true).mean())
    assert result.values["PCK"] == pytest.approx(100 * metrics.pck(1000 * found[:, 1:4], 1000 * true[:, 1:4]).mean())
    assert result.joints.mean() == pytest.approx(result.values["MPJPE"])


def test_frames_that_are_not_valid_do_not_count() -> None:
    found, true = _clip(30, 1)
    valid = np.arange(30) != 12
    broken = found.copy()
    broken[12] += 5.0
    result = score(broken, true, valid, "a", HUMAN36M_17)
    whole = score(found, true, np.ones(30, bool), "a", HUMAN36M_17)
    assert result.frames == 29
    for name, value in result.values.items():
        assert value == pytest.approx(whole.values[name], rel=0.25), name
    single = score(found[:1], true[:1], np.ones(1, bool), "a", HUMAN36M_17)
    assert np.isnan(single.values["MPJVE"])
    assert np.isnan(single.values["ACC"])


def test_means_weigh_frames_within_actions_and_actions_alike() -> None:
    clips = [(*_clip(10, 2), "walking"), (*_clip(30, 3), "walking"), (*_clip(5, 4), "sitting")]
    scores = [score(f, t, np.ones(len(f), bool), action, HUMAN36M_17) for f, t, action in clips]
    poses = [1000 * metrics.mpjpe(f, t) for f, t, _ in clips]
    walking = np.concatenate(poses[:2]).mean()
    assert by_action(scores)["walking"]["MPJPE"] == pytest.approx(walking)
    assert mean(scores)["MPJPE"] == pytest.approx(np.concatenate(poses).mean())
    assert mean_of_actions(scores)["MPJPE"] == pytest.approx((walking + poses[2].mean()) / 2)
    joints = by_joint(scores, HUMAN36M_17)
    assert list(joints) == list(HUMAN36M_17.joints)
    assert np.mean(list(joints.values())) == pytest.approx(mean(scores)["MPJPE"])
