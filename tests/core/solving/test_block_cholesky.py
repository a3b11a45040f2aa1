"""The twisted factorisation, against the full matrix."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from motionlift.core.solving.block_cholesky import BlockCholesky

SIZE = 4


def chain(blocks: int) -> tuple[Tensor, Tensor, Tensor]:
    """A positive definite chain: its blocks, what couples them, and the full matrix."""
    generator = torch.Generator().manual_seed(blocks)
    coupling = torch.randn(blocks - 1, SIZE, SIZE, generator=generator)
    own = torch.randn(blocks, SIZE, SIZE, generator=generator)
    own = own @ own.transpose(1, 2) + 8 * SIZE * torch.eye(SIZE)
    full = torch.zeros(blocks, SIZE, blocks, SIZE, dtype=torch.double)
    for i in range(blocks):
        full[i, :, i] = own[i].double()
        if i:
            full[i, :, i - 1] = coupling[i - 1].double()
            full[i - 1, :, i] = coupling[i - 1].double().T
    return own, coupling, full.reshape(blocks * SIZE, -1)


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 7, 8])
def test_it_solves_what_the_full_matrix_says(blocks: int) -> None:
    own, coupling, full = chain(blocks)
    right = torch.randn(blocks, SIZE, generator=torch.Generator().manual_seed(0))

    found = BlockCholesky.of(own, coupling).solve(right)

    expected = torch.linalg.solve(full, right.double().flatten())
    torch.testing.assert_close(found.double().flatten(), expected, rtol=1e-4, atol=1e-6)


def test_two_threads_find_the_same_bits() -> None:
    own, coupling, _ = chain(9)
    right = torch.randn(9, SIZE, generator=torch.Generator().manual_seed(0))

    # They are overwritten.
    alone, together = (BlockCholesky.of(own.clone(), coupling.clone(), threads).solve(right) for threads in (1, 2))

    assert torch.equal(alone, together)


def test_what_is_not_positive_definite_is_refused_by_either_arm() -> None:
    for bad in (0, 8):
        own, coupling, _ = chain(9)
        own[bad] = -torch.eye(SIZE)
        with pytest.raises(RuntimeError, match="positive-definite"):
            BlockCholesky.of(own, coupling, 2)
