"""What a slot on a cluster makes of answers and of silence; dask itself is in `test_cluster`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

import pytest

from motionlift import __version__
from motionlift.core.batch.cluster import Cluster, Orders
from motionlift.core.batch.cluster_slot import Slot
from motionlift.core.batch.cluster_task import Answer, Errand, Introduction, packages
from motionlift.core.jobs import Failure, MotionLiftError, Progress, Request, Result, encode

ERRAND = Errand("", ("-m", "motionlift"), 1, "topic", "1", False)


class Members:
    """A cluster that answers as it is told; an exception is what dask says."""

    def __init__(self, answer: Answer | BaseException, connected: bool = True) -> None:
        self.client = self
        self._answer = answer
        self._connected = connected

    def submit(self, function: Any, errand: Errand, **options: Any) -> Future[Answer]:
        assert options["workers"] == ["tcp://there:1"]
        assert errand.arguments == ERRAND.arguments
        future: Future[Answer] = Future()
        if isinstance(self._answer, Answer):
            future.set_result(self._answer)
        else:
            future.set_exception(self._answer)
        return future

    def connected(self) -> bool:
        return self._connected

    def listen(self, clip: str, listener: Callable[[Progress], None] | None) -> None: ...


def _error(members: Members, request: Request) -> MotionLiftError:
    with pytest.raises(MotionLiftError) as caught:
        Slot(members, "tcp://there:1", ERRAND).work_on(request, lambda progress: None)
    return caught.value


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    (tmp_path / "a.mp4").write_bytes(b"")
    (tmp_path / "new").mkdir()
    return Request("lift", "a", str(tmp_path / "a.mp4"), str(tmp_path / "new"))


class Workers:
    """A scheduler that knows the workers it is told, each of two threads."""

    status = "running"

    def __init__(self) -> None:
        self.scheduler = self
        self.there: list[str] = []

    def identity(self, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1
        return {"workers": {address: {"host": "here", "nthreads": 2} for address in self.there}}

    def sync(self, function: Callable[..., Any], **options: Any) -> Any:
        return function(**options)

    def run(self, function: Any, folders: Any, workers: list[str], on_error: str) -> dict[str, Introduction]:
        return {address: Introduction(__version__, packages(), 4, 0.0, ()) for address in workers}

    def subscribe_topic(self, topic: str, handler: Any) -> None: ...


class Hirer:
    """A run that only hires."""

    def __init__(self) -> None:
        self.slots: list[Any] = []

    def hire(self, make: Callable[[int, Path], Any]) -> None:
        self.slots.append(make(0, Path()))


def test_a_worker_that_went_and_came_back_is_hired_anew() -> None:
    """Its address may be the same; who waited for it has given up, and every slot is given out once."""
    workers, run = Workers(), Hirer()
    cluster = Cluster(workers, local=False)
    orders = Orders(run, ERRAND, "auto", (), 3)  # type: ignore[arg-type]
    expected = [
        (["tcp://a"], 2),
        (["tcp://a"], 2),
        ([], 0),
        (["tcp://a"], 2),
        (["tcp://a", "tcp://b"], 3),
        (["tcp://b"], 2),
        (["tcp://b", "tcp://c"], 3),
    ]
    for there, usable in expected:
        workers.there = there
        cluster.look(orders)
        assert sum(not slot.lost for slot in run.slots) == usable, there
        assert all(slot.address in there for slot in run.slots if not slot.lost)
    assert len(run.slots) == 2 + 2 + 1 + 1 + 1


def test_files_that_come_back_lie_where_they_were_asked_for(tmp_path: Path, request_: Request) -> None:
    answer = Answer(encode(Result("a", ("take.bvh",))), {"take.bvh": b"bvh", "../picture.jpg": b"jpg"})
    result = Slot(Members(answer), "tcp://there:1", ERRAND).work_on(request_, lambda progress: None)
    assert result.motions == (str(tmp_path / "new/take.bvh"),)
    # Whatever a name says, nothing is written elsewhere.
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["picture.jpg", "take.bvh"]


def test_a_worker_that_does_not_see_a_clip_is_told_from_a_clip_that_is_gone(tmp_path: Path, request_: Request) -> None:
    unseen = Members(Answer(encode(Failure("a", "video_unseen", "There is no file.", ""))))
    assert _error(unseen, request_).code == "worker_blind"
    (tmp_path / "a.mp4").unlink()
    assert _error(unseen, request_).code == "no_file"


def test_failures_of_a_clip_come_as_they_are(request_: Request) -> None:
    error = _error(Members(Answer(encode(Failure("a", "no_person", "Nobody.", "Film somebody.")))), request_)
    assert (error.code, error.message, error.hint) == ("no_person", "Nobody.", "Film somebody.")


def test_what_goes_wrong_on_the_machine_is_named(request_: Request) -> None:
    error = _error(Members(OSError("No space left on device")), request_)
    assert error.code == "worker_died"
    assert "tcp://there:1" in error.message
    assert "No space left" in error.message


@pytest.mark.parametrize(("connected", "code"), [(True, "worker_died"), (False, "scheduler_lost")])
def test_a_task_that_dask_drops(request_: Request, connected: bool, code: str) -> None:
    assert _error(Members(CancelledError(), connected), request_).code == code


def test_a_stopped_slot_takes_nothing(request_: Request) -> None:
    slot = Slot(Members(Answer("")), "tcp://there:1", ERRAND)
    slot.stop()
    with pytest.raises(MotionLiftError) as caught:
        slot.work_on(request_, lambda progress: None)
    assert caught.value.code == "cancelled"
