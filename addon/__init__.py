"""The Blender extension: operators, panels, menus, preferences. `register` is called by Blender only; importing this
package needs no Blender, so that the parts that do without it can be tried alone."""

from __future__ import annotations

from typing import Any


def register() -> None:
    """Add everything to Blender. A second call in a row changes nothing."""
    import bpy

    from . import handlers, menus, properties

    for cls in _classes():
        if not cls.is_registered:
            bpy.utils.register_class(cls)
    properties.register()
    menus.register()
    handlers.register()


def unregister() -> None:
    """Take everything out of Blender again, and end what runs. A second call in a row changes nothing."""
    import bpy

    from . import handlers, menus, properties

    handlers.unregister()
    menus.unregister()
    properties.unregister()
    for cls in reversed(_classes()):
        if cls.is_registered:
            bpy.utils.unregister_class(cls)


def _classes() -> tuple[Any, ...]:
    from . import (
        clean_operators,
        engine_operators,
        lift_operators,
        lift_panels,
        menus,
        operators,
        panels,
        people_operators,
        preferences,
        properties,
        rig_map,
        rig_operators,
        rig_panel,
    )

    modules = (
        rig_map,
        properties,
        preferences,
        engine_operators,
        operators,
        lift_operators,
        people_operators,
        rig_operators,
        clean_operators,
        lift_panels,
        rig_panel,
        panels,
        menus,
    )
    return tuple(cls for module in modules for cls in module.CLASSES)
