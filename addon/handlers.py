"""What happens when another file is opened, and when this one is saved."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from ..bridge.blender.armature import discard_lost_figures
from ..bridge.blender.drafts import discard_lost
from ..bridge.blender.rigify_draft import discard_lost_humans
from . import clean_up, edited, people, pictures, rig_map, saving, session, video_look


@persistent  # type: ignore[untyped-decorator]
def _before_load(*_: object) -> None:
    """What is half written is in the file that may go. All else waits for `_after_load`: a file that is missing or
    cannot be read leaves this one open, and nothing of ours runs until that is known."""
    session.session().end_draft()


@persistent  # type: ignore[untyped-decorator]
def _after_load(*_: object) -> None:
    """What runs belongs to the file that is gone. What Blender does not keep of library overrides comes back."""
    clean_up.forget()
    edited.forget()
    video_look.forget_all()
    session.forget_file()
    rig_map.restore_overrides()


@persistent  # type: ignore[untyped-decorator]
def _after_undo(*_: object) -> None:
    """Blender's data is another: what was known of it, and keys that were half written, count no more."""
    edited.forget()
    session.session().drafting = None
    clean_up.give_up_undone()
    # What was told of the last result may be gone with it.
    session.session().message = ""
    if not (bpy.app.background or bpy.app.timers.is_registered(_discard_lost)):
        bpy.app.timers.register(_discard_lost, first_interval=0.0)


def _discard_lost() -> None:
    discard_lost()
    discard_lost_figures()
    discard_lost_humans()


@persistent  # type: ignore[untyped-decorator]
def _after_update(_: object, graph: bpy.types.Depsgraph) -> None:
    """An Action that was changed has to be read again."""
    edited.touched({update.id.name for update in graph.updates if isinstance(update.id, bpy.types.Action)})


@persistent  # type: ignore[untyped-decorator]
def _before_save(filepath: str, _: object) -> None:
    """Takes go where the file goes, which is empty for Blender's startup file."""
    if filepath:
        saving.follow(Path(filepath))


@persistent  # type: ignore[untyped-decorator]
def _after_save(filepath: str, _: object) -> None:
    """A copy was saved where this file is not, or it could not be saved: it names its takes and videos as before."""
    saving.settle(bool(filepath) and filepath == bpy.data.filepath)


@persistent  # type: ignore[untyped-decorator]
def _not_saved(*_: object) -> None:
    saving.settle(False)


_HANDLERS = {
    "load_pre": _before_load,
    "load_post": _after_load,
    "save_pre": _before_save,
    "save_post": _after_save,
    "save_post_fail": _not_saved,
    "undo_post": _after_undo,
    "redo_post": _after_undo,
    "depsgraph_update_post": _after_update,
}


def register() -> None:
    """Have Blender call us; once, however often this is called."""
    unregister()
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """No longer. What runs ends."""
    clean_up.forget()
    session.end()
    for kept in (video_look.forget_all, people.forget_all, pictures.forget):
        kept()
    for name, handler in _HANDLERS.items():
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
