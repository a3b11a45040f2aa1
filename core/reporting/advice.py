"""What to do about a take, in plain words: from its figures, worst first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .stretches import EVERYTHING, Stretch
from .take_figures import TakeFigures

SMALL_PX = 150.0
"""A figure lower than this gives the detector too few pixels for hands and feet."""
STEEP_DEGREES = 30.0
"""Seen from so far above or below, legs are foreshortened."""
SLOW_FPS = 23.0
LOST = 0.05
"""Share of the frames without a detection that is worth saying."""
MISFIT_PERCENT = 2.5
"""Median distance from the keypoints, in percent of the figure's height, of a take that does not fit."""
SKATE_CM_S = 6.0
SUNK = 0.10
HOVER_MM = 150.0
"""Standing feet so far off the floor stand on something else."""
SWAPPED = 0.05
SIDE_CONFIDENCE = 0.65
"""Below this mean confidence of one side's limbs, beside a confident other side, that side is hidden all along."""


@dataclass(frozen=True)
class Advice:
    """`code` for programs; `words`: what is the matter and what helps."""

    code: str
    words: str


def advise(figures: TakeFigures) -> tuple[Advice, ...]:
    """Advice for a take, what spoils most first. Nothing to say gives an empty tuple."""
    if figures.seen_s is None:
        return (Advice("nobody", "Nobody is detected in this take: lift another person or another part of the video."),)
    return tuple(
        advice
        for part in (_of_detection, _of_framing, _of_camera, _of_fit, _of_floor, _of_assumptions)
        for advice in part(figures)
    )


def _of_detection(figures: TakeFigures) -> Iterator[Advice]:
    assert figures.seen_s is not None
    if figures.lost_share > LOST:
        gaps = [stretch for stretch in figures.stretches if stretch.group == EVERYTHING]
        yield Advice(
            "lost",
            f"The person is not found in {100 * figures.lost_share:.0f} % of the frames ({_times(gaps)}): the pose "
            "there is a guess. Trim with --start and --end, or film without anybody passing in front.",
        )
    first, last = figures.seen_s
    for code, held, where in (
        ("late", first - figures.start_s, f"before {first:.1f} s"),
        ("gone", figures.end_s - last, f"after {last:.1f} s"),
    ):
        if held > 0.25:
            yield Advice(code, f"The person is not seen {where}: a pose is only held there. Cut that part off.")
    if figures.swapped_frames > SWAPPED * figures.frames:
        yield Advice(
            "swapped",
            f"The detector took left for right in {_frames(figures.swapped_frames)}. This was put right; check that no "
            "limbs cross over. Clothes whose legs and sleeves differ help.",
        )
    if figures.picture.figure_px < SMALL_PX:
        yield Advice(
            "small",
            f"Too few pixels: the figure is {figures.picture.figure_px:.0f} px high. From about "
            f"{SMALL_PX:.0f} px on hands and feet can be made out: film closer, or in a higher resolution.",
        )
    if figures.fps < SLOW_FPS:
        yield Advice(
            "slow", f"Only {figures.fps:.3g} pictures a second: fast movements fall between them. Film at 30 or more."
        )


def _of_framing(figures: TakeFigures) -> Iterator[Advice]:
    outside = [stretch for stretch in figures.stretches if stretch.reason == "out_of_picture"]
    for group in dict.fromkeys(stretch.group for stretch in outside):
        times = [stretch for stretch in outside if stretch.group == group]
        yield Advice(
            "leaves_picture",
            f"The {group} leaves the picture ({_times(times)}): what it does there is a guess. Film from further away.",
        )
    sides = {
        side: min(figures.confidence[f"{side} arm"], figures.confidence[f"{side} leg"]) for side in ("left", "right")
    }
    for side, other in (("left", "right"), ("right", "left")):
        if sides[side] < SIDE_CONFIDENCE < sides[other]:
            yield Advice(
                "hidden_side",
                f"The {side} side is hidden behind the body for much of the take: its limbs are partly guessed. "
                "A camera a quarter to the front sees both.",
            )


def _of_camera(figures: TakeFigures) -> Iterator[Advice]:
    elevation = figures.camera.elevation_degrees
    if abs(elevation) > STEEP_DEGREES:
        place = "above" if elevation > 0 else "below"
        yield Advice(
            f"from_{place}",
            f"Filmed from far {place} ({abs(elevation):.0f} degrees): depth and legs are less certain. Film from "
            "between hip and head height.",
        )


def _of_fit(figures: TakeFigures) -> Iterator[Advice]:
    error = figures.picture.error_percent
    if error is not None and error > MISFIT_PERCENT:
        yield Advice(
            "misfit",
            f"The figure lies {figures.picture.error_px:.0f} px off the picture in the median, {error:.1f} % of its "
            "height. Check --fov, that the camera stands still, and that two people are not taken for one.",
        )
    broken = [side for side, knee in figures.knees.items() if knee.broken_frames]
    for side in broken:
        knee = figures.knees[side]
        yield Advice(
            "knee_backwards",
            f"The {side} knee bends backwards in {_frames(knee.broken_frames)}, by up to {-knee.least:.0f} degrees: "
            "check there, and correct the knee's bend by hand.",
        )


def _of_floor(figures: TakeFigures) -> Iterator[Advice]:
    after = figures.feet_after
    if after.skate_mm is None:
        yield Advice(
            "no_contacts",
            "No foot is found standing: the floor's height is a guess, and nothing keeps feet from sliding.",
        )
        return
    if not figures.planting:
        yield Advice(
            "not_planted", "Feet were not to be planted: solve again with --floor and --foot-lock for feet that stand."
        )
    elif after.skate_cm_s is not None and after.skate_cm_s > SKATE_CM_S:
        yield Advice(
            "skate",
            f"Standing feet still slide {after.skate_mm:.1f} mm a frame: check the places named below, and plant the "
            "feet on the rig.",
        )
    if after.hover_mm is not None and after.hover_mm > HOVER_MM:
        yield Advice(
            "off_the_floor",
            f"Feet stand {after.hover_mm / 1000:.1f} m off the floor on average: somebody climbs, or the height "
            "over the floor is wrong in part of the take. Look at it from the side.",
        )
    if after.sunk_share is not None and after.sunk_share > SUNK and after.deepest_mm is not None:
        yield Advice(
            "through_floor",
            f"A foot is below the floor in {100 * after.sunk_share:.0f} % of the frames, by up to "
            f"{after.deepest_mm:.0f} mm: uneven ground, or a wrong floor.",
        )


def _of_assumptions(figures: TakeFigures) -> Iterator[Advice]:
    if figures.camera.fov_is == "assumed":
        yield Advice(
            "fov_assumed",
            f"The camera is assumed {figures.camera.fov_degrees:.0f} degrees wide along the longer side: give --fov if "
            "you know it, for true depths.",
        )
    if figures.height_is == "assumed":
        yield Advice(
            "height_assumed",
            f"The person is assumed {figures.body_height_m:.2f} m tall: give --height for true distances.",
        )


def _frames(count: int) -> str:
    return f"{count} frame{'s' * (count != 1)}"


def _times(stretches: list[Stretch], shown: int = 3) -> str:
    """The stretches' times, in their order of time: `3.2 s to 4.0 s, 5.1 s to 5.3 s and 2 more`."""
    ordered = sorted(stretches, key=lambda stretch: stretch.start_s)
    text = ", ".join(f"{stretch.start_s:.1f} s to {stretch.end_s:.1f} s" for stretch in ordered[:shown])
    more = len(ordered) - shown
    return (f"{text} and {more} more" if more > 0 else text) or "in short moments"
