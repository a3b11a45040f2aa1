"""`Motion` into Blender's data. The only package outside `addon` that imports bpy."""
