"""The Blender extension: operators, panels, menus, preferences. `register` is called by Blender only; importing this
package needs no Blender, so that the parts that do without it can be tried alone."""

from __future__ import annotations

from typing import Any


def register() -> None:
    """Add everything to Blender. A second call in a row changes nothing."""
    import bpy

    from . import batch, handlers, menus, properties

    for cls in _classes():
        if not cls.is_registered:
            bpy.utils.register_class(cls)
    properties.register()
    batch.register()
    menus.register()
    handlers.register()


def unregister() -> None:
    """Take everything out of Blender again, and end what runs. A second call in a row changes nothing."""
    import bpy

    from . import batch, handlers, menus, properties

    handlers.unregister()
    menus.unregister()
    batch.unregister()
    properties.unregister()
    for cls in reversed(_classes()):
        if cls.is_registered:
            bpy.utils.unregister_class(cls)


def _classes() -> tuple[Any, ...]:
    from . import (
        batch,
        batch_operators,
        batch_panel,
        clean_operators,
        contact_operators,
        engine_operators,
        export_operators,
        lift_operators,
        lift_panels,
        menus,
        operators,
        people_operators,
        placing_panel,
        preferences,
        properties,
        rig_map,
        rig_operators,
        rig_panel,
        scene_operators,
        take_operators,
        take_panels,
    )

    modules = (
        rig_map,
        properties,
        batch,
        preferences,
        engine_operators,
        operators,
        lift_operators,
        people_operators,
        rig_operators,
        batch_operators,
        take_operators,
        clean_operators,
        contact_operators,
        export_operators,
        scene_operators,
        lift_panels,
        rig_panel,
        placing_panel,
        batch_panel,
        take_panels,
        menus,
    )
    return tuple(cls for module in modules for cls in module.CLASSES)
