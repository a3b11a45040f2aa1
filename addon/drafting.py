"""What a result's motions are put on and their keys, made little by little before any of it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..bridge.blender.drafts import Draft
from ..bridge.blender.rigify_draft import HumanDraft

AnyDraft = Draft | HumanDraft


class Drafting:
    """The drafts of a result, each begun by one of `makers` when those before it are whole."""

    def __init__(self, makers: Iterable[Callable[[], AnyDraft]]) -> None:
        self._makers = list(makers)
        self.drafts: list[AnyDraft] = []

    def advance(self) -> bool:
        """Write some more, for a few milliseconds; whether all is written then. Raises as `advance` of the drafts."""
        if not all(draft.advance() for draft in self.drafts):
            return False
        if self._makers:
            self.drafts.append(self._makers.pop(0)())
            return False
        return True

    @property
    def weighty(self) -> bool:
        """Whether the next step should be the only one of a tick."""
        return bool(self.drafts) and isinstance(self.drafts[-1], HumanDraft) and self.drafts[-1].weighty

    def discard(self) -> None:
        """Throw away all of it."""
        for draft in self.drafts:
            draft.discard()
