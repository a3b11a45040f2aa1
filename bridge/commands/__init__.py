"""The command line's part of the bridge: BVH out, retargeting, presets."""
