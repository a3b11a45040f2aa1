"""Every contestant can be built for its task, learns by its loss, and is used folded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from motionlift.core.evaluation.contestants import CONTESTANTS, Contestant, Task, centre_loss, contestants, folded
from motionlift.core.jobs import UsageError
from motionlift.core.lifting.alternatives.dilated import DilatedConfig, DilatedNet
from motionlift.core.lifting.graph import JOINT_SETS
from motionlift.core.threads import one_thread


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small networks run fastest on one thread, above all on a busy machine."""
    with one_thread():
        yield


EACH = pytest.mark.parametrize("contestant", CONTESTANTS, ids=lambda contestant: contestant.name)


@EACH
@pytest.mark.parametrize("joint_set", ["body_26", "human36m_17"])
def test_it_learns_from_its_windows_and_folds(contestant: Contestant, joint_set: str) -> None:
    torch.manual_seed(0)
    task = Task(joint_set, ("depth",), 1 / 30)
    network, joints = contestant.make(task), len(JOINT_SETS[joint_set])
    inputs = torch.randn(2, contestant.frames, joints, 3)
    targets, weight = torch.randn(2, contestant.frames, joints, 3), torch.ones(2, contestant.frames, joints)
    loss = contestant.loss(network, inputs, targets, weight)
    torch.autograd.backward(loss)
    assert loss.ndim == 0
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())
    short = inputs[:, : contestant.lifted_frames or 5]
    with torch.no_grad():
        expected = network.eval()(short)
        error = (folded(network)(short) - expected).abs().max()
    assert error < 1e-3 * expected.abs().max()


def test_the_loss_of_centres_is_that_of_the_frames_there() -> None:
    torch.manual_seed(0)
    net = DilatedNet(DilatedConfig(channels=8, widths=(3, 3), dropout=0.0)).eval()
    inputs, targets = torch.randn(2, 27, 17, 2), torch.randn(2, 27, 17, 3)
    expected = (net(inputs) - targets)[:, 4::9].norm(dim=-1).mean()
    assert torch.allclose(centre_loss(net, inputs, targets, torch.ones(2, 27, 17)), expected, rtol=1e-4)


def test_they_are_chosen_by_name() -> None:
    names = [contestant.name for contestant in CONTESTANTS]
    assert len(set(names)) == len(names)
    assert contestants() == CONTESTANTS
    assert [contestant.name for contestant in contestants(("semantic-gcn", "dgnet-4"))] == ["semantic-gcn", "dgnet-4"]
    with pytest.raises(UsageError) as caught:
        contestants(("yolo",))
    assert caught.value.code == "unknown_contestant"
