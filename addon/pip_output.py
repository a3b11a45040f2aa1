"""What pip says: what it would fetch, and how far it is."""

from __future__ import annotations

import logging
import re
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 15.0


@dataclass(frozen=True)
class Download:
    """A file that pip would install, and its size in bytes: 0 where the server does not say."""

    name: str
    size: int


def downloads_of(report: Mapping[str, Any]) -> tuple[Download, ...]:
    """The files in the report of `pip install --dry-run --report`, their sizes asked for at their servers."""
    addresses = [str(item["download_info"]["url"]) for item in report.get("install", ())]
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(_size, addresses))
    names = [unquote(urlparse(address).path.rpartition("/")[2]) for address in addresses]
    return tuple(map(Download, names, sizes))


def answers(address: str) -> bool:
    """Whether a server has something at this address, and can be reached."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=PATIENCE_SECONDS):
            return True
    except OSError as error:
        log.info("%s: %s", address, error)
        return False


def _size(address: str) -> int:
    parts = urlparse(address)
    try:
        if parts.scheme == "file":
            return Path(urllib.request.url2pathname(parts.path)).stat().st_size
        if parts.scheme != "https":
            return 0
        request = urllib.request.Request(address, method="HEAD")
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return int(answer.headers.get("Content-Length") or 0)
    except (OSError, ValueError) as error:
        log.info("the size of %s is not known: %s", address, error)
        return 0


class PipProgress:
    """Follows `pip install --progress-bar raw` line by line. `sizes`: of the files, by name."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._before = 0
        self._within = 0
        self.current = "packages"
        self.installing = False

    @property
    def fetched(self) -> int:
        """Bytes so far."""
        return self._before + self._within

    def take(self, line: str) -> bool:
        """Read a line; False for one that only counts bytes."""
        if counted := re.match(r"Progress (\d+) of (\d+)", line):
            self._within = int(counted[1])
            return False
        # "Downloading https://.../torch-2.13.0-....whl (200.1 MB)", "Using cached ...", "Processing /wheels/..."
        if named := re.match(r"\s*(?:Downloading|Using cached|Processing) (\S+)", line):
            name = unquote(named[1].rpartition("/")[2])
            if not name.endswith(".metadata"):
                self._before += self._sizes.get(self.current, self._within)
                self._within = 0
                self.current = name
        elif line.startswith("Installing collected packages"):
            self.installing = True
        return True
