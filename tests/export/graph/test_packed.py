"""Whole numbers of few bits, as bytes hold them."""

from __future__ import annotations

import numpy as np

from rfa_export.graph.packed import unpacked, zero_points


def test_a_byte_holds_one_number_of_8_bits_or_two_of_4_the_lower_half_first() -> None:
    packed = np.array([[0x21, 0x43], [0xF0, 0x0F]], np.uint8)
    assert unpacked(packed, 4).tolist() == [[1, 2, 3, 4], [0, 15, 15, 0]]
    assert unpacked(packed, 8).tolist() == [[0x21, 0x43], [0xF0, 0x0F]]


def test_zero_points_lie_in_the_middle_where_there_are_none() -> None:
    assert zero_points(None, 4, 2, 3).tolist() == [[8, 8, 8], [8, 8, 8]]
    assert zero_points(None, 8, 1, 2).tolist() == [[128, 128]]


def test_half_a_byte_behind_an_odd_number_of_blocks_is_left_out() -> None:
    packed = np.array([[0x21, 0x03]], np.uint8)
    assert zero_points(packed, 4, 1, 3).tolist() == [[1, 2, 3]]
