"""Random numbers by key: known words, independent of batch, evenly spread."""

from __future__ import annotations

import numpy as np

from vggstudy.keyed import normals, uniforms, words


def test_words_are_those_of_splitmix64():
    """The reference implementation, seed 0, gives these first (Vigna's splitmix64.c)."""
    assert int(words(0)[0]) == 0xE220A8397B1DCDAF


def test_words_are_pinned():
    assert [int(word) for word in words(1, [2, 3])] == [int(words(1, 2)[0]), int(words(1, 3)[0])]
    assert int(words(7, 1, 12345)[0]) == 0x4BDF577C96580BFB


def test_a_number_does_not_depend_on_its_batch():
    whole = uniforms(0, 3, np.arange(1000)[:, None], np.arange(4))
    np.testing.assert_array_equal(uniforms(0, 3, np.array([17, 5])[:, None], np.arange(4)), whole[[17, 5]])


def test_keys_do_not_run_into_each_other():
    """(1, 2) and (2, 1), an epoch later and an image later, must not share numbers."""
    keys = [words(a, b, c)[0] for a in range(12) for b in range(12) for c in range(12)]
    assert len(set(keys)) == 12**3


def test_uniforms_are_even_and_unrelated():
    u = uniforms(0, 0, np.arange(20_000)[:, None], np.arange(2))
    assert u.min() >= 0
    assert u.max() < 1
    counts = np.histogram2d(u[:, 0], u[:, 1], bins=10, range=[[0, 1], [0, 1]])[0]
    assert ((counts - 200) ** 2 / 200).sum() < 150  # chi-squared with 99 degrees of freedom: p = 0.0007
    assert abs(np.corrcoef(u[:-1, 0], u[1:, 0])[0, 1]) < 0.03


def test_normals_are_normal():
    x = normals(0, np.arange(40_000))
    assert np.isfinite(x).all()
    assert abs(x.mean()) < 0.02
    assert abs(x.std() - 1) < 0.02
    assert abs((np.abs(x) < 1).mean() - 0.6827) < 0.01
