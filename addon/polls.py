"""Grey buttons that say why."""

from __future__ import annotations

import bpy


class SaysWhy(bpy.types.Operator):
    """For operators that cannot always be used; Blender never gets to know this one."""

    @classmethod
    def trouble(cls, context: bpy.types.Context) -> str:
        """Why it cannot be used now, in words for the tooltip; empty where it can."""
        return ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Grey where there is trouble."""
        if trouble := cls.trouble(context):
            cls.poll_message_set(trouble)
        return not trouble
