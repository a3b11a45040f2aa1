"""`motionlift lift`: videos to files of animation."""

from __future__ import annotations

import dataclasses
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .. import processors, reconstructor, service
from ..batch.folder import LocalFolder, RemoteFolder
from ..batch.storage import Url, place
from ..batch.todo import Plan
from ..bvh import BvhOptions
from ..files import check_output
from ..jobs import (
    AUTO,
    Cancelled,
    LiftSettings,
    MotionLiftError,
    Request,
    UsageError,
    internal_error,
    parse_rotate,
    parse_time,
    take_paths,
)
from ..motion import Motion, resample
from . import console
from .batch import BatchOptions, count_jobs, is_batch, lift_batch
from .batch_report import report_path
from .outputs import Job, format_suffixes, plan, with_motion_files

log = logging.getLogger(__name__)

DEFAULTS = LiftSettings()
BVH_DEFAULTS = BvhOptions()
FIGURE, VIDEO, DETECTION, FILES = "Figure", "Video", "Detection and devices", "Files"
MANY = "Many clips"


@dataclass(frozen=True)
class Outcome:
    """How one clip ended: the files written, or the error."""

    job: Job
    seconds: float
    motions: tuple[Motion, ...] = ()
    paths: tuple[Path, ...] = ()
    error: MotionLiftError | None = None


def lift(
    context: typer.Context,
    videos: Annotated[
        list[str],
        typer.Argument(
            metavar="VIDEO",
            help="Videos, folders of images, img_%04d.png; folders of videos and patterns like 'clips/**/*.mp4'; URLs "
            "of these like s3://bucket/clips.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A .bvh, a .motion.npz, or an existing folder; of many clips a folder, or its URL.",
            rich_help_panel=FILES,
        ),
    ],
    formats: Annotated[
        str | None,
        typer.Option("--format", help="What to write into a folder: bvh, motion or both.", rich_help_panel=FILES),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.", rich_help_panel=FILES)
    ] = False,
    fps: Annotated[
        float | None,
        typer.Option(show_default="the clip's", help="Frames a second of the output.", rich_help_panel=FILES),
    ] = None,
    bvh_up: Annotated[str, typer.Option(help="BVH: the vertical axis, Y or Z.", rich_help_panel=FILES)] = (
        BVH_DEFAULTS.up
    ),
    bvh_forward: Annotated[
        str | None, typer.Option(help="BVH: where the figure faces: Z, -Z, X ...", rich_help_panel=FILES)
    ] = None,
    bvh_unit: Annotated[str, typer.Option(help="BVH: cm, m or mm.", rich_help_panel=FILES)] = BVH_DEFAULTS.unit,
    bvh_order: Annotated[
        str | None,
        typer.Option(show_default="the best", help="BVH: one rotation order for all joints.", rich_help_panel=FILES),
    ] = None,
    rig: Annotated[
        str | None,
        typer.Option(
            help="A character to move, a .blend or .blend:Armature, or rigify for a new Rigify human; then -o may be "
            ".blend, .fbx, .glb, .usd or .abc.",
            rich_help_panel=FILES,
        ),
    ] = None,
    preset: Annotated[
        str, typer.Option(help="The character's rig: auto, a family's name, or a preset file.", rich_help_panel=FILES)
    ] = "auto",
    footage: Annotated[
        bool,
        typer.Option(
            "--footage",
            help="With --rig, into a .blend: the video, with its sound, behind the figure.",
            rich_help_panel=FILES,
        ),
    ] = False,
    start: Annotated[str | None, typer.Option(help="Where to begin: 12.5 or 0:00:12.5.", rich_help_panel=VIDEO)] = None,
    end: Annotated[str | None, typer.Option(help="Where to end.", rich_help_panel=VIDEO)] = None,
    shot: Annotated[
        int | None,
        typer.Option(show_default="the longest", help="Which shot of an edited clip.", rich_help_panel=VIDEO),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            show_default="found out", help="Slow motion: how many times slower than life.", rich_help_panel=VIDEO
        ),
    ] = None,
    fov: Annotated[
        float | None,
        typer.Option(
            show_default="found out", help="Field of view along the longer side, degrees.", rich_help_panel=VIDEO
        ),
    ] = None,
    rotate: Annotated[str, typer.Option(help=console.ROTATE_HELP, rich_help_panel=VIDEO)] = AUTO,
    mirror: Annotated[bool, typer.Option("--mirror", help="The video is mirrored.", rich_help_panel=VIDEO)] = False,
    person: Annotated[
        str, typer.Option(help="largest, longest, left, right, a number, or all.", rich_help_panel=FIGURE)
    ] = DEFAULTS.person,
    max_people: Annotated[int | None, typer.Option(help="How many people to look for.", rich_help_panel=FIGURE)] = None,
    height: Annotated[
        float | None, typer.Option(show_default="1.70", help="Standing height in metres.", rich_help_panel=FIGURE)
    ] = None,
    smoothing: Annotated[float, typer.Option(help="0 (none) to 1.", rich_help_panel=FIGURE)] = DEFAULTS.smoothing,
    floor: Annotated[bool, typer.Option(help="Put the feet on a level floor.", rich_help_panel=FIGURE)] = True,
    foot_lock: Annotated[bool, typer.Option(help="Keep standing feet still.", rich_help_panel=FIGURE)] = True,
    travel: Annotated[
        bool | None,
        typer.Option(
            "--travel/--in-place",
            show_default="travel, unless the camera moves",
            help="Keep the way a person goes, or leave it out.",
            rich_help_panel=FIGURE,
        ),
    ] = None,
    hands: Annotated[
        bool, typer.Option("--hands", help="Find and solve the fingers too; takes longer.", rich_help_panel=FIGURE)
    ] = False,
    pose_model: Annotated[
        str | None, typer.Option(help="Another MediaPipe pose model, a .task file.", rich_help_panel=DETECTION)
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Other weights of the lifting network.", rich_help_panel=DETECTION)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", rich_help_panel=DETECTION)] = DEFAULTS.device,
    stride: Annotated[
        int,
        typer.Option(
            help="Look for people in every 2nd (3rd, 4th) frame only and fill in: faster, less exact.",
            rich_help_panel=DETECTION,
        ),
    ] = DEFAULTS.stride,
    hwaccel: Annotated[
        str,
        typer.Option(
            help="Decode on a device: auto, none, or cuda, vaapi, videotoolbox ... Without one the processors decode.",
            rich_help_panel=DETECTION,
        ),
    ] = DEFAULTS.hwaccel,
    flip_average: Annotated[
        bool, typer.Option(help="Lift the mirrored clip too and average.", rich_help_panel=DETECTION)
    ] = True,
    cache: Annotated[bool, typer.Option(help="Keep and use detections.", rich_help_panel=DETECTION)] = True,
    from_cache: Annotated[
        bool,
        typer.Option("--from-cache", help="Use what was detected before, or fail.", rich_help_panel=DETECTION),
    ] = False,
    cache_dir: Annotated[str | None, typer.Option(help="Where they are kept.", rich_help_panel=DETECTION)] = None,
    jobs: Annotated[
        str | None,
        typer.Option(
            help="How many processes: a number or auto. Into a folder: clips at once, with a manifest, and the same "
            "command again does only what is missing, changed or failed. Into a file: parts of a long clip at once.",
            rich_help_panel=MANY,
        ),
    ] = None,
    retry_failed: Annotated[
        bool | None,
        typer.Option(
            "--retry-failed/--no-retry-failed",
            show_default="retry",
            help="Whether clips that failed before are tried again.",
            rich_help_panel=MANY,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Lift every clip again, whatever the manifest says.", rich_help_panel=MANY)
    ] = False,
    report: Annotated[
        str | None,
        typer.Option(help="A web page (.html) of all takes, the most doubtful first.", rich_help_panel=MANY),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            help="A figure that counts as a failure, like 'skate>2mm' or 'lost>5%'; may be repeated.",
            rich_help_panel=MANY,
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Go on with what arrives in the folders, until Ctrl-C.", rich_help_panel=MANY),
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Lift on a cluster of dask.distributed: its scheduler like tcp://machine:8786, its scheduler file "
            "(.json), or local. --jobs is then the most clips at once.",
            rich_help_panel=MANY,
        ),
    ] = None,
) -> None:
    """Turn videos of people into animation."""
    settings = LiftSettings(
        start=None if start is None else parse_time(start),
        end=None if end is None else parse_time(end),
        shot=shot,
        speed=speed,
        rotate=parse_rotate(rotate),
        person=person,
        max_people=max_people,
        mirror=mirror,
        pose_model=pose_model,
        height_m=height,
        fov_degrees=fov,
        smoothing=smoothing,
        floor=floor,
        foot_lock=foot_lock,
        travel=travel,
        hands=hands,
        device=device,
        weights=weights,
        flip_average=flip_average,
        stride=stride,
        hwaccel=hwaccel,
        use_cache=cache,
        from_cache=from_cache,
        cache_dir=cache_dir,
    )
    options = BvhOptions(
        bvh_up.upper(), bvh_forward and bvh_forward.upper(), bvh_unit, bvh_order and bvh_order.upper(), fps
    )
    available = context.ensure_object(console.Context)
    exporters = with_motion_files(available.exporters)
    batch = BatchOptions(jobs, retry_failed, force, report_path(report), tuple(fail_if or ()), watch, cluster)
    given, target = [place(video) for video in videos], place(output)
    if is_batch(given, target, batch):
        if rig is not None:
            raise UsageError(
                "rig_in_batch",
                "Many clips are lifted to BVH and motion files; --rig is for single ones.",
                "Lift them with --format motion, then retarget each: motionlift retarget TAKE.motion.npz --rig ...",
            )
        suffixes = format_suffixes(formats or "bvh", tuple(exporters))
        if cluster is not None:
            # Files that all machines see, under the same name; they are elsewhere when they look.
            settings = dataclasses.replace(settings, pose_model=_absolute(pose_model), weights=_absolute(weights))
        folder = RemoteFolder(target) if isinstance(target, Url) else LocalFolder(target)
        in_batch = Plan(folder, settings, suffixes, options, overwrite, retry_failed is not False, force)
        # Workers have their own.
        reconstructor.stop_idle()
        raise typer.Exit(lift_batch(given, in_batch, batch))
    settings = dataclasses.replace(settings, awaited=True)
    if jobs is not None:
        processors.allow_processes(count_jobs(jobs))
    if rig is not None:
        exporters |= available.rig_exporters(rig, preset)
    assert isinstance(target, Path)
    paths = [path for path in given if isinstance(path, Path)]
    planned = plan(paths, target, formats, overwrite, settings, tuple(exporters))
    if footage and not any(path.suffix.lower() == ".blend" for job in planned for path in job.outputs):
        raise UsageError(
            "footage_without_scene", "Footage can only be put into a .blend.", "Name a character (--rig) and a .blend."
        )
    outcomes = []
    with console.stop_on_interrupt() as stopped:
        for job in planned:
            if rig is not None and footage:
                exporters |= available.rig_exporters(rig, preset, job.video, overwrite)
            outcome = _lift_one(job, settings, options, exporters, overwrite, stopped)
            outcomes.append(outcome)
            _report(outcome)
            if stopped():
                break
    if len(planned) > 1:
        console.output.print(_table(outcomes, planned))
    failures = [outcome.error for outcome in outcomes if outcome.error]
    if failures:
        raise typer.Exit(console.exit_code(failures[-1]) if len(planned) == 1 or stopped() else 1)


def _absolute(path: str | None) -> str | None:
    return None if path is None else os.path.abspath(os.path.expanduser(path))


def _lift_one(
    job: Job,
    settings: LiftSettings,
    options: BvhOptions,
    exporters: dict[str, console.Exporter],
    overwrite: bool,
    stopped: Callable[[], bool],
) -> Outcome:
    began = time.monotonic()
    request = Request("lift", video=str(job.video), settings=settings, overwrite=overwrite)
    try:
        with console.shown_progress(job.video.name) as progress:
            motions = service.produce(request, progress, stopped)
            if options.fps is not None:
                motions = [resample(motion, options.fps) for motion in motions]
            targets = [(path, take_paths(path, len(motions))) for path in job.outputs]
            for path in (path for _, paths in targets for path in paths):
                check_output(path, overwrite)
            written = []
            for output, paths in targets:
                export = next(e for suffix, e in exporters.items() if output.name.lower().endswith(suffix))
                for motion, path in zip(motions, paths, strict=True):
                    if stopped():
                        raise Cancelled
                    export(motion, path, options)
                    written.append(path)
                    progress("write", len(written), len(motions) * len(targets))
    except MotionLiftError as error:
        return Outcome(job, time.monotonic() - began, error=error)
    except Exception as error:
        log.info("the traceback", exc_info=True)
        hint = "Run it again with --verbose before the command, and report it."
        return Outcome(job, time.monotonic() - began, error=internal_error(error, hint))
    return Outcome(job, time.monotonic() - began, tuple(motions), tuple(written))


def _report(outcome: Outcome) -> None:
    if outcome.error:
        console.show_error(outcome.error, str(outcome.job.video))
        return
    for warning in service.warnings_of(outcome.motions):
        console.show_warning(warning, outcome.job.video.name)
    frames, rate = len(outcome.motions[0]), outcome.motions[0].fps
    people = f", {len(outcome.motions)} people" if len(outcome.motions) > 1 else ""
    for path in outcome.paths:
        console.output.print(
            f"{path}: {frames} frames at {rate:.6g} a second{people}, {outcome.seconds:.1f} s", markup=False
        )


def _table(outcomes: Sequence[Outcome], jobs: Sequence[Job]) -> Table:
    rows = []
    for outcome in outcomes:
        name, seconds = console.plain(outcome.job.video.name), f"{outcome.seconds:.1f}"
        if outcome.error:
            rows.append((name, f"[red]failed ({outcome.error.code})[/]", "", "", seconds))
        else:
            rows.append((name, "[green]done[/]", str(len(outcome.motions[0])), str(len(outcome.motions)), seconds))
    for job in jobs[len(outcomes) :]:
        rows.append((console.plain(job.video.name), "not begun", "", "", ""))
    return console.clip_table(("Frames", "People", "Seconds"), rows)
