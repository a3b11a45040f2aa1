"""`Motion` to rigs and files. Standard library and numpy only: it runs inside Blender's Python."""
