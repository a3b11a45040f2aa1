"""What the command line hands to commands of the bridge, which may not import it: keys of their `context.meta`."""

CONTACT_FINDER = "motionlift.find_contacts"
"""What finds contacts in a BVH."""
FOOTAGE_PREPARER = "motionlift.prepare_footage"
"""What makes footage keep step: a `footage.Preparer`."""
