"""`motionlift affinity`: which joints the network listens to, over the frames of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from ..files import check_output, written_beside
from ..jobs import AUTO, LiftSettings, UsageError, parse_rotate, parse_time
from ..skeleton import BODY_26
from . import console

if TYPE_CHECKING:
    from ..detection.people import Detection
    from ..lifting.affinity_picture import Picture
    from ..rotation import Array


def affinity(
    video: Annotated[Path, typer.Argument(help="A video, a folder of images, or a pattern like img_%04d.png.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture to write (.png).")],
    frames: Annotated[int, typer.Option(min=1, max=24, help="How many frames, spread over the clip.")] = 5,
    joint: Annotated[
        list[str] | None, typer.Option(show_default="all", help="A joint whose listening is drawn; may be repeated.")
    ] = None,
    block: Annotated[int | None, typer.Option(show_default="the last", help="Which block of the network.")] = None,
    start: Annotated[str | None, typer.Option(help="Where to begin: 12.5 or 0:00:12.5.")] = None,
    end: Annotated[str | None, typer.Option(help="Where to end.")] = None,
    shot: Annotated[int | None, typer.Option(show_default="the longest", help="Which shot of an edited clip.")] = None,
    rotate: Annotated[str, typer.Option(help=console.ROTATE_HELP)] = AUTO,
    person: Annotated[str, typer.Option(help="largest, longest, left, right or a number.")] = "largest",
    fov: Annotated[float | None, typer.Option(help="The camera's field of view along the longer side.")] = None,
    weights: Annotated[
        str | None, typer.Option(show_default="those that come along", help="Other weights (.safetensors).")
    ] = None,
    cache: Annotated[bool, typer.Option(help="Keep and use detections.")] = True,
    cache_dir: Annotated[str | None, typer.Option(help="Where they are kept.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a picture that exists.")] = False,
) -> None:
    """Draw which joints the network's dynamical graphs connect, in space and in time, on frames of a clip."""
    joints = joint or []
    unknown = sorted(set(joints) - set(BODY_26.joints))
    if unknown:
        raise UsageError(
            "bad_setting", f"There is no joint {', '.join(unknown)}.", f"The joints are {', '.join(BODY_26.joints)}."
        )
    if output.suffix.lower() != ".png":
        raise UsageError("unknown_suffix", f"{output.name} does not end in .png.", "Name a file that does.")
    check_output(output, overwrite)
    settings = LiftSettings(
        start=None if start is None else parse_time(start),
        end=None if end is None else parse_time(end),
        shot=shot,
        rotate=parse_rotate(rotate),
        person=person,
        fov_degrees=fov,
        weights=weights,
        use_cache=cache,
        cache_dir=cache_dir,
    )
    # Torch and MediaPipe are loaded only when there is something to look at.
    from ..detection.people import choose_people, detect
    from ..lifting.affinity import frame_affinities, spread_samples
    from ..lifting.affinity_picture import affinity_picture
    from ..pipeline import lens_of
    from ..reconstruction import load_network

    network = load_network(weights, "cpu")
    with console.stop_on_interrupt() as stopped, console.shown_progress(video.name) as progress:
        detection = detect(video, settings, progress, stopped)
    keypoints = choose_people(detection, person)[0].keypoints
    camera_K, _ = lens_of(detection.info, fov)
    samples = spread_samples(keypoints, frames)
    found = frame_affinities(keypoints, camera_K, network, samples, block)
    times = keypoints.times[samples]
    sheet = affinity_picture(
        found, _pictures(video, settings, detection, times), [float(time) for time in times], joints
    )
    with written_beside(output) as temporary:
        sheet.save(temporary, format="PNG")
    console.output.print(str(output), markup=False)


def _pictures(video: Path, settings: LiftSettings, detection: Detection, times: Array) -> Sequence[Picture]:
    """The frames at `times` (S,), increasing."""
    from ..video import read_frames

    every = detection.tracks[0].keypoints.times
    wanted = list(np.searchsorted(every, times))
    middles = (every[1:] + every[:-1]) / 2
    # One frame more than the last wanted one: the end is exclusive.
    end = float(every[wanted[-1] + 1]) if wanted[-1] + 1 < len(every) else None
    found: dict[int, Picture] = {}
    for frame in read_frames(video, float(times[0]) if wanted[0] else None, end, rotate=settings.rotate):
        place = int(np.searchsorted(middles, frame.time))
        if place in wanted:
            found.setdefault(place, frame.image)
    width, height = detection.info.size
    return [found.get(int(place), np.zeros((height, width, 3), np.uint8)) for place in wanted]
