"""The worker's protocol: in one process with made-up work, and a real process told real things."""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from motionlift.core import service
from motionlift.core.jobs import (
    Cancelled,
    Event,
    Failure,
    Hello,
    MotionLiftError,
    Progress,
    ProgressCallback,
    Request,
    Result,
    decode_event,
    encode,
)
from motionlift.core.motion import Motion
from motionlift.core.worker import Worker


class Lines:
    """The worker's input: blocks until a line is said, ends with `end`."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def say(self, request: Request | str) -> None:
        self._lines.put(request if isinstance(request, str) else encode(request) + "\n")

    def end(self) -> None:
        self._lines.put(None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines.get, None)


class Conversation:
    """A worker in a thread of this process."""

    def __init__(self, idle_seconds: float = 30.0) -> None:
        self.lines, self.sink = Lines(), io.StringIO()
        self.worker = Worker(self.lines, self.sink, idle_seconds)  # type: ignore[arg-type]
        self.thread = threading.Thread(target=self.worker.run, daemon=True)
        self.thread.start()

    def ended(self) -> list[Event]:
        self.thread.join(timeout=10)
        assert not self.thread.is_alive()
        return [decode_event(line) for line in self.sink.getvalue().splitlines()]


def _work(request: Request, progress: ProgressCallback, cancelled: Callable[[], bool]) -> Result:
    """Made-up work: the video's name says what happens."""
    if request.video == "explodes":
        raise ZeroDivisionError("seven")
    if request.video == "fails":
        raise MotionLiftError("no_person", "Nobody there.", "Film somebody.")
    if request.video == "waits":
        while not cancelled():
            time.sleep(0.005)
        raise Cancelled
    for done in range(1001):
        progress("detect", done, 1000)
    progress("solve", 0, None)
    return Result(request.id, motions=(request.output,))


@pytest.fixture
def conversation(monkeypatch: pytest.MonkeyPatch) -> Conversation:
    monkeypatch.setattr(service, "handle", _work)
    return Conversation()


def test_hello_work_and_end_of_input(conversation: Conversation) -> None:
    conversation.lines.say(Request("lift", "a", "clip.mp4", "ä.motion.npz"))
    _until(lambda: "result" in conversation.sink.getvalue())
    conversation.lines.end()
    events = conversation.ended()
    assert isinstance(events[0], Hello)
    assert events[-1] == Result("a", motions=("ä.motion.npz",))
    progress = [event for event in events if isinstance(event, Progress)]
    assert len(progress) < 100
    stages = [(event.stage, event.done) for event in progress]
    assert {("detect", 0), ("detect", 1000), ("solve", 0)} <= set(stages)


def test_failures_do_not_end_it(conversation: Conversation, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("explodes", "fails", "works"):
        conversation.lines.say(Request("lift", name, name, "out"))
    _until(lambda: '"result"' in conversation.sink.getvalue())
    conversation.lines.say(Request("quit"))
    ends = [event for event in conversation.ended() if isinstance(event, Failure | Result)]
    assert [(type(event), event.id) for event in ends] == [
        (Failure, "explodes"),
        (Failure, "fails"),
        (Result, "works"),
    ]
    internal, expected = ends[0], ends[1]
    assert isinstance(internal, Failure)
    assert internal.code == "internal"
    assert "seven" in internal.message
    assert "Traceback" in caplog.text
    assert expected == Failure("fails", "no_person", "Nobody there.", "Film somebody.")


def test_cancel_reaches_running_and_waiting_requests(conversation: Conversation) -> None:
    for name in ("one", "two"):
        conversation.lines.say(Request("lift", name, "waits", "out"))
    conversation.lines.say(Request("lift", "three", "works", "out"))
    conversation.lines.say(Request("cancel", "two"))
    conversation.lines.say(Request("cancel", "never heard of"))
    conversation.lines.say(Request("cancel", "one"))
    _until(lambda: '"result"' in conversation.sink.getvalue())
    conversation.lines.end()
    ends = [event for event in conversation.ended() if isinstance(event, Failure | Result)]
    assert [(event.id, getattr(event, "code", "done")) for event in ends] == [
        ("one", "cancelled"),
        ("two", "cancelled"),
        ("three", "done"),
    ]


@pytest.mark.parametrize("last", [Request("quit"), None])
def test_the_end_cancels_everything_and_says_so(conversation: Conversation, last: Request | None) -> None:
    for name in ("one", "two"):
        conversation.lines.say(Request("lift", name, "waits", "out"))
    conversation.lines.say(last) if last else conversation.lines.end()
    failures = [event for event in conversation.ended() if isinstance(event, Failure)]
    assert [(event.id, event.code) for event in failures] == [("one", "cancelled"), ("two", "cancelled")]


@pytest.mark.parametrize(
    ("line", "identifier"),
    [
        ("what?\n", ""),
        ("[1]\n", ""),
        ('{"op": "dance", "id": "7"}\n', "7"),
        ('{"op": "lift", "id": "8", "settings": {"hight": 2}}\n', "8"),
        ('{"op": "lift", "id": "9", "settings": {"smoothing": 5}}\n', "9"),
        ('{"op": "lift", "id": "10", "settings": {"smoothing": "much"}}\n', "10"),
        ('{"op": "lift", "id": "11", "settings": {"person": 2}}\n', "11"),
        ('{"op": "lift", "id": "12", "settings": {"person": "²"}}\n', "12"),
        ("[" * 100_000 + "\n", ""),
    ],
)
def test_lines_that_are_no_requests_are_refused(conversation: Conversation, line: str, identifier: str) -> None:
    conversation.lines.say("\n")
    conversation.lines.say(line)
    conversation.lines.say(Request("lift", "next", "works", "out"))
    _until(lambda: '"result"' in conversation.sink.getvalue())
    conversation.lines.end()
    events = [event for event in conversation.ended() if not isinstance(event, Progress)]
    assert len(events) == 3
    assert isinstance(events[2], Result)
    assert isinstance(events[1], Failure)
    assert events[1].id == identifier
    assert events[1].message


def test_input_that_breaks_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __iter__(self) -> Iterator[str]:
            raise OSError("the pipe burst")

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    began = time.monotonic()
    Worker(Broken(), io.StringIO(), idle_seconds=20.0).run()  # type: ignore[arg-type]
    assert time.monotonic() - began < 10


def test_one_id_serves_one_request_at_a_time(conversation: Conversation) -> None:
    conversation.lines.say(Request("lift", "a", "waits", "out"))
    conversation.lines.say(Request("lift", "a", "works", "out"))
    conversation.lines.end()
    codes = [event.code for event in conversation.ended() if isinstance(event, Failure)]
    assert sorted(codes) == ["cancelled", "protocol"]


def test_it_leaves_when_idle() -> None:
    conversation = Conversation(idle_seconds=0.05)
    assert len(conversation.ended()) == 1


def test_it_leaves_when_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError("gone")

    lines = Lines()
    Worker(lines, Closed()).run()  # type: ignore[arg-type]


def test_requests_are_checked_before_any_work(tmp_path: Path, make_motion: Callable[..., Motion]) -> None:
    existing = tmp_path / "there.motion.npz"
    make_motion().save(existing)
    before = existing.read_bytes()
    for output, code in [
        ("", "protocol"),
        (str(tmp_path / "take.fbx"), "unknown_suffix"),
        (str(existing), "output_exists"),
        (str(tmp_path / "none" / "take.motion.npz"), "output_folder_missing"),
    ]:
        with pytest.raises(MotionLiftError) as caught:
            service.handle(Request("lift", "1", "no such video.mp4", output))
        assert caught.value.code == code
    assert existing.read_bytes() == before
    assert list(tmp_path.iterdir()) == [existing]


def test_a_cancelled_request_does_nothing(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        service.handle(Request("lift", "1", "clip.mp4", str(tmp_path / "a.motion.npz")), cancelled=lambda: True)


NOISY = """
import os, sys
from motionlift.core import service, worker
from motionlift.core.jobs import Result
def handle(request, progress, cancelled):
    print("python noise")
    sys.stdout.flush()
    os.write(1, b"native noise\\n")
    os.system("echo noise of a child")
    return Result(request.id, motions=("done",))
service.handle = handle
worker.main()
"""


def test_what_libraries_print_stays_out_of_the_protocol() -> None:
    requests = encode(Request("lift", "1", "clip.mp4", "out")) + "\n"
    process = subprocess.Popen(
        [sys.executable, "-c", NOISY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(requests)
    process.stdin.flush()
    events = [decode_event(process.stdout.readline()) for _ in range(2)]
    rest, errors = process.communicate(timeout=20)
    assert isinstance(events[0], Hello)
    assert events[1] == Result("1", motions=("done",))
    assert rest == ""
    assert all(noise in errors for noise in ("python noise", "native noise", "noise of a child"))
    assert process.returncode == 0


def test_it_says_hello_before_anything_heavy_is_loaded() -> None:
    code = "import sys, motionlift.core.worker; print([m for m in ('torch', 'mediapipe', 'av') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(os.name == "nt", reason="on Windows the end of input is the sign")
def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """The parent is killed while another process keeps the worker's input open."""
    code = (
        "import subprocess, sys, time\n"
        "worker = subprocess.Popen([sys.executable, '-m', 'motionlift.core.worker'], stdin=sys.stdin)\n"
        "print(worker.pid, file=sys.stderr, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stderr is not None
    hello = json.loads(parent.stdout.readline())
    pid = int(parent.stderr.readline())
    parent.kill()
    parent.wait()
    assert hello["event"] == "hello"
    _until(lambda: not _running(pid))


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]
    except (ProcessLookupError, FileNotFoundError):
        return False


def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.01)
