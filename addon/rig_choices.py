"""How a motion is put on a rig that is there already: what can be chosen before a lift."""

from __future__ import annotations

import bpy

from ..bridge.retarget import RetargetOptions

HANDS_ITEMS = (
    ("hold", "Hold Where They Lean", "Hands that carry weight stay where they are, as planted feet do"),
    ("free", "Free", "Hands go where the arms take them"),
    ("body", "Kept to the Body", "Hands touch the body where the person's did, whatever the arms' lengths"),
    ("world", "Kept in Place", "Hands are where the person's were in space"),
)
LIMBS_ITEMS = (
    ("auto", "Automatic", "As the preset has it: for Rigify arms by FK and legs by IK"),
    ("fk", "FK", "Arms and legs by rotations, IK switched off"),
    ("ik", "IK", "Arms and legs by their IK controls"),
)
RIG_TRAVEL_ITEMS = (
    ("auto", "Automatic", "As the preset has it: the root bone for game engines, else the hips"),
    ("hips", "Hips", "The hips travel"),
    ("root", "Root Bone", "The root bone travels over the ground"),
    ("object", "Object", "The armature object travels"),
    ("in_place", "Nothing", "The rig stays on the spot"),
)
SCALE_ITEMS = (
    ("legs", "Legs", "The way and the height follow from the lengths of the legs"),
    ("hips", "Hips", "They follow from the heights of the hips"),
    ("none", "As It Is", "The way is as long as the person's"),
)
PLACE_ITEMS = (
    ("rest", "Where the Rig Stands", "The take begins where the rig stands and faces where it faces"),
    ("filmed", "As Filmed", "Where the person stood before the camera"),
)


class RigChoices:
    """The choices, as properties of whatever has this class among its bases."""

    rig_hands: bpy.props.EnumProperty(name="Hands", description="Where the rig's hands go", items=HANDS_ITEMS)
    rig_limbs: bpy.props.EnumProperty(name="Arms and Legs", description="Which controls are keyed", items=LIMBS_ITEMS)
    rig_travel: bpy.props.EnumProperty(
        name="Travel On", description="What carries the way over the ground", items=RIG_TRAVEL_ITEMS
    )
    rig_scale: bpy.props.EnumProperty(
        name="Scale By", description="How the person's size becomes the rig's", items=SCALE_ITEMS
    )
    rig_place: bpy.props.EnumProperty(name="Begin", description="Where the take begins", items=PLACE_ITEMS)

    def rig_options(self, plant_feet: bool) -> RetargetOptions:
        """The choices as retargeting takes them."""
        return RetargetOptions(
            travel=self.rig_travel,
            scale=self.rig_scale,
            place=self.rig_place,
            plant_feet=plant_feet,
            hands=self.rig_hands,
            limbs=self.rig_limbs,
        )
