"""Why a command of a set-up failed, and what to do, by what it wrote: mostly pip, about the network."""

from __future__ import annotations

from . import engine_state
from .commands import LOG_LINES_SHOWN
from .environment import SetupPlan, made_from

LITTLE_ROOM_BYTES = 1e9
"""With less no engine is begun, and a download that breaks off, as pip calls it, found the disk full."""
WHEELS_INSTEAD = "or choose a folder of wheels."

_NO_ANSWER = (
    "NewConnectionError", "Temporary failure", "Could not fetch", "timed out", "ProxyError", "incomplete-download",
    "Connection broken", "Connection aborted",
)  # fmt: skip
"""What pip writes about a network that is not there, or breaks down."""
_REFUSED = ("HTTP error 4", "HTTP error 5", "error responses")
"""And about a server that does not give what it lists."""
_NOT_FOUND = ("No matching distribution", "ResolutionImpossible")


def explained(written: str, plan: SetupPlan) -> tuple[str, str]:
    """Message and hint for a command that failed; the hint ends with the last lines of what it has `written`."""

    def wrote(*words: str) -> bool:
        return any(word in written for word in words)

    python = ".".join(made_from(plan.folder).get("version", "").split(".")[:2])
    little = engine_state.free_bytes(plan.folder) < LITTLE_ROOM_BYTES
    if wrote("No space left") or (little and wrote("incomplete-download")):
        message, hint = "The disk is full.", f"Make room for 3 GB at {plan.folder}."
    elif plan.wheels is not None and wrote(*_NOT_FOUND):
        message = f"The folder of wheels lacks a package for Python {python}."
        hint = "Fill it as the README says, with this version of Python."
    elif wrote("Long Path", "WinError 206"):
        message = f"Windows refuses paths as long as those in {plan.folder}."
        hint = "Switch long paths on (LongPathsEnabled, in the registry or by group policy), and try again."
    elif wrote("407 Proxy"):
        message = "The network's proxy wants a name and a password."
        hint = f"Start Blender with HTTPS_PROXY=http://NAME:PASSWORD@PROXY:PORT in its environment, {WHEELS_INSTEAD}"
    elif wrote("CERTIFICATE_VERIFY_FAILED"):
        message = "The network answers with a certificate that is not trusted."
        hint = f"Start Blender with the file of your company's certificate as PIP_CERT, {WHEELS_INSTEAD}"
    elif wrote(*_NO_ANSWER):
        message, hint = "The network does not answer.", f"Try again, {WHEELS_INSTEAD}"
    elif wrote(*_REFUSED):
        message, hint = "The server of the packages does not give them.", f"Try again later, {WHEELS_INSTEAD}"
    elif wrote("DO NOT MATCH THE HASHES"):
        message, hint = "A package came damaged through the network.", f"Try again, {WHEELS_INSTEAD}"
    elif wrote(*_NOT_FOUND):
        message = f"The network offers no packages for Python {python}."
        hint = f"It may want a log-in: open a web page, and try again; {WHEELS_INSTEAD}"
    elif wrote("ensurepip"):
        message, hint = "This Python cannot make environments.", "Install its venv package, or choose another Python."
    else:
        message, hint = "Setting up the video engine failed.", "The log says why."
    return message, "\n".join([hint, *written.splitlines()[-LOG_LINES_SHOWN:]])
