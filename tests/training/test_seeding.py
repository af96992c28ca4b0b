"""Streams of random numbers."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.seeding import derive, generator

NAMES = ["initialisation", "order", "augmentation", "noise", "dropout"]


@given(st.integers(0, 2**63), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_seeds_have_63_bits_and_differ_by_stream_and_seed(seed, one, other):
    assert 0 <= derive(seed, one) < 2**63
    assert (derive(seed, one) == derive(seed, other)) == (one == other)
    assert derive(seed, one) != derive(seed + 1, one)


def test_seeds_do_not_change_between_versions():
    assert derive(0, "order") == 5_231_958_647_509_549_229


def test_a_stream_does_not_hear_of_the_others():
    alone = torch.rand(5, generator=generator(1, "order"))
    torch.manual_seed(0)
    torch.rand(3, generator=generator(1, "noise"))
    assert torch.equal(alone, torch.rand(5, generator=generator(1, "order")))
    assert not torch.equal(alone, torch.rand(5, generator=generator(2, "order")))
