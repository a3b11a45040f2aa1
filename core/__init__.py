"""Video to `Motion`: everything from frames to solved animation. Never imports bpy, bridge or addon."""
