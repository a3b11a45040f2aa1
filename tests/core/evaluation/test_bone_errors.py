"""How far bones are off that a network lifts, on films: whom it counts, and the file that it writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from motionlift.core.evaluation import bone_errors
from motionlift.core.lifting.checkpoint import save_weights
from motionlift.core.lifting.inference import lift_keypoints
from motionlift.core.lifting.network import DGNet
from motionlift.core.reconstruction import OVERLAP
from motionlift.core.solving.bone_errors import BoneErrors, unit_bones
from motionlift.core.training.pairs import PairClip, Pairs


def test_differences_are_those_of_detected_frames(clip: PairClip, network: DGNet) -> None:
    detected = clip.keypoints.detected.copy()
    detected[:5] = False
    shorter = replace(clip, keypoints=replace(clip.keypoints, detected=detected))
    nobody = replace(clip, keypoints=replace(clip.keypoints, detected=np.zeros_like(detected)))
    lifted = lift_keypoints(shorter.keypoints, clip.camera_K, network, overlap=OVERLAP)[detected]
    found = bone_errors.differences_of([nobody, shorter], network)
    np.testing.assert_allclose(found, unit_bones(lifted) - unit_bones(clip.joints_camera[detected]))


def test_who_is_larger_errs_alike(clip: PairClip, network: DGNet) -> None:
    larger = replace(clip, joints_camera=1.2 * clip.joints_camera)
    once, again = (bone_errors.differences_of([each], network) for each in (clip, larger))
    np.testing.assert_allclose(again, once, atol=1e-9)


def test_the_file_that_is_written(clip: PairClip, network: DGNet, tmp_path: Path) -> None:
    pairs, weights, output = tmp_path / "pairs.npz", tmp_path / "weights.safetensors", tmp_path / "errors.json"
    Pairs((clip,), 0, 1.0).save(pairs)
    save_weights(weights, network, {})
    assert bone_errors.main([str(pairs), "--weights", str(weights), "-o", str(output)]) == 0
    found = BoneErrors.load(output).spread
    assert (found[1:] > 0).all()
    np.testing.assert_array_equal(found[0], 0)
    keypoints = clip.keypoints
    unseen = replace(
        keypoints, detected=np.zeros_like(keypoints.detected), pixels=np.full_like(keypoints.pixels, np.nan)
    )
    Pairs((replace(clip, keypoints=unseen),), 0, 1.0).save(pairs)
    output.unlink()
    assert bone_errors.main([str(pairs), "--weights", str(weights), "-o", str(output)]) == 1
    assert not output.exists()
