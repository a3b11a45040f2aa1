"""MotionLift: video of a person to editable animation on the animator's own rig, offline.

This folder is both the Python package `motionlift` and the Blender extension. Importing it costs nothing:
Blender calls `register`, everything else is imported where it is used.
"""

__version__ = "0.1.0"


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from . import addon

    addon.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled."""
    from . import addon

    addon.unregister()
