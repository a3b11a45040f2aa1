"""What holds for every network that DG-Net is compared with: shapes, receptive fields, gradients, parameter counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from motionlift.core.jobs import UsageError
from motionlift.core.lifting.alternatives.base import Alternative
from motionlift.core.lifting.alternatives.dilated import DilatedConfig, DilatedNet
from motionlift.core.lifting.alternatives.graph_transformer import GraphTransformer, GraphTransformerConfig
from motionlift.core.lifting.alternatives.hop_aware import HopAwareConfig, HopAwareNet
from motionlift.core.lifting.alternatives.residual_mlp import ResidualMLP, ResidualMLPConfig
from motionlift.core.lifting.alternatives.semantic_gcn import SemanticGCN, SemanticGCNConfig
from motionlift.core.lifting.graph import JOINT_SETS
from motionlift.core.skeleton import HUMAN36M_17

Maker = Callable[[str, int], Alternative]
SMALL: dict[str, Maker] = {
    "mlp": lambda joints, channels: ResidualMLP(ResidualMLPConfig(joints, channels, width=24)),
    "tcn-9": lambda joints, channels: DilatedNet(DilatedConfig(joints, channels, widths=(3, 3), channels=24)),
    "tcn-15": lambda joints, channels: DilatedNet(DilatedConfig(joints, channels, widths=(3, 5), channels=24)),
    "gcn": lambda joints, channels: SemanticGCN(SemanticGCNConfig(joints, channels, channels=8, blocks=2)),
    "hops": lambda joints, channels: HopAwareNet(HopAwareConfig(joints, channels, channels=8, blocks=1)),
    "transformer": lambda joints, channels: GraphTransformer(
        GraphTransformerConfig(joints, channels, channels=8, layers=2, heads=2, representation=16, layer_scale=0.5)
    ),
}
EACH = pytest.mark.parametrize("name", SMALL)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(1)


def stirred(net: Alternative) -> Alternative:
    """In double precision, with nothing at the values that make it ignore its input at first."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return net.double()


@EACH
@pytest.mark.parametrize("frames", [1, 2, 50])
@pytest.mark.parametrize(("joint_set", "channels"), [("human36m_17", 2), ("body_26", 4)])
def test_every_frame_of_windows_of_any_length_is_lifted(name: str, frames: int, joint_set: str, channels: int) -> None:
    joints = len(JOINT_SETS[joint_set])
    output = SMALL[name](joint_set, channels)(torch.randn(2, frames, joints, channels))
    assert output.shape == (2, frames, joints, 3)
    assert bool(output.isfinite().all())


@EACH
def test_a_frame_depends_on_exactly_its_receptive_field(name: str) -> None:
    net, frames = stirred(SMALL[name]("human36m_17", 2)).eval(), 31
    inputs = torch.randn(1, frames, len(HUMAN36M_17), 2, dtype=torch.float64, requires_grad=True)
    for frame in (0, 3, 15, 30):
        (gradient,) = torch.autograd.grad(net(inputs)[:, frame].sum(), inputs)
        seen = gradient.abs().sum((0, 2, 3)) > 0
        reach = frames if net.receptive_field is None else net.receptive_field // 2
        expected = [abs(other - frame) <= reach for other in range(frames)]
        assert seen.tolist() == expected


@EACH
def test_windows_do_not_see_each_other(name: str) -> None:
    net = stirred(SMALL[name]("human36m_17", 2)).eval()
    inputs = torch.randn(3, 6, len(HUMAN36M_17), 2, dtype=torch.float64)
    alone = torch.cat([net(window[None]) for window in inputs])
    assert torch.allclose(net(inputs), alone)


@EACH
@pytest.mark.parametrize("frames", [1, 12])
def test_gradients_reach_every_parameter_and_are_finite(name: str, frames: int) -> None:
    net = stirred(SMALL[name]("human36m_17", 3)).train()
    net(torch.randn(4, frames, len(HUMAN36M_17), 3, dtype=torch.float64)).square().mean().backward()
    for parameter_name, parameter in net.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert bool(parameter.grad.isfinite().all()), parameter_name


@EACH
def test_gradients_are_those_of_the_function(name: str) -> None:
    """In evaluation, by differences along random directions."""
    net = stirred(SMALL[name]("human36m_17", 2)).eval().requires_grad_(False)
    inputs = torch.randn(1, 3, len(HUMAN36M_17), 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(net, inputs, fast_mode=True)


@EACH
def test_folded_it_is_the_same(name: str) -> None:
    net = stirred(SMALL[name]("human36m_17", 2)).train()
    inputs = torch.randn(4, 6, len(HUMAN36M_17), 2, dtype=torch.float64)
    for _ in range(3):
        net(inputs)
    before = net.eval()(inputs)
    folded = net.folded()
    assert not [module for module in folded.modules() if isinstance(module, torch.nn.BatchNorm1d)]
    assert torch.allclose(folded(inputs), before)
    assert torch.equal(net(inputs), before)


def mirrored_joints(values: Tensor) -> Tensor:
    return values[:, :, torch.from_numpy(HUMAN36M_17.mirror)]


@pytest.mark.parametrize("name", ["gcn", "transformer"])
def test_left_and_right_are_alike_until_training_tells_them_apart(name: str) -> None:
    """What knows joints by the skeleton only; the others have weights for each joint."""
    net = SMALL[name]("human36m_17", 2).double().eval()
    inputs = torch.randn(2, 5, len(HUMAN36M_17), 2, dtype=torch.float64)
    assert torch.allclose(net(mirrored_joints(inputs)), mirrored_joints(net(inputs)))


@pytest.mark.parametrize("name", ["mlp", "tcn-9", "hops"])
def test_others_know_joints_by_their_place(name: str) -> None:
    net = SMALL[name]("human36m_17", 2).double().eval()
    inputs = torch.randn(2, 5, len(HUMAN36M_17), 2, dtype=torch.float64)
    assert not torch.allclose(net(mirrored_joints(inputs)), mirrored_joints(net(inputs)))


COUNTS: dict[str, tuple[Callable[[], Alternative], int, float]] = {
    "mlp": (lambda: ResidualMLP(ResidualMLPConfig()), 4_296_755, 4.29e6),
    "tcn-27": (lambda: DilatedNet(DilatedConfig()), 8_555_571, 8.56e6),
    "tcn-243": (lambda: DilatedNet(DilatedConfig(widths=(3, 3, 3, 3, 3))), 16_952_371, 16.95e6),
    "gcn": (lambda: SemanticGCN(SemanticGCNConfig()), 434_733, 0.43e6),
    "gcn-plain": (lambda: SemanticGCN(SemanticGCNConfig(non_local=False)), 267_373, 0.27e6),
    "hops": (lambda: HopAwareNet(HopAwareConfig()), 2_996_543, 2_996_543),  # no figure of the paper's is known to us
    "transformer": (lambda: GraphTransformer(GraphTransformerConfig(channels_in=3)), 2_243_547, 2.2e6),
}


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_as_many_as_stated_and_as_the_papers(name: str) -> None:
    make, stated, published = COUNTS[name]
    count = sum(parameter.numel() for parameter in make().parameters())
    assert count == stated
    assert count == pytest.approx(published, rel=0.025)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ResidualMLPConfig(joint_set="octopus"),
        lambda: ResidualMLPConfig(channels_in=1),
        lambda: ResidualMLPConfig(dropout=1.0),
        lambda: DilatedConfig(widths=(3, 4)),
        lambda: DilatedConfig(widths=()),
        lambda: SemanticGCNConfig(channels=7),
        lambda: HopAwareConfig(near=5, far=4),
        lambda: HopAwareConfig(frames=2),
        lambda: GraphTransformerConfig(heads=7),
        lambda: GraphTransformerConfig(neighbours=0),
    ],
)
def test_what_cannot_be_built_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert caught.value.code == "bad_network"
