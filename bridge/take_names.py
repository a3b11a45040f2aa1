"""How a take is called where its name is taken: `walk`, `walk_t02`, `walk_t03` ..., never `walk.001`."""

from __future__ import annotations

import itertools
from collections.abc import Callable


def untaken(name: str, is_taken: Callable[[str], bool]) -> str:
    """`name`, or the first of `name_t02`, `name_t03` ... that is not taken."""
    later = (f"{name}_t{count:02d}" for count in itertools.count(2))
    return next(each for each in itertools.chain([name], later) if not is_taken(each))
