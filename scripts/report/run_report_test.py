#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of what run_report.py says of samples."""

import math
import unittest

from run_report import NO_DIFFERENCE, Row, ratio_of, tick


def row(unpatched, on):
    """A row of these samples."""
    return Row("group", "what", 1, {"unpatched": unpatched, "on": on})


class Verdicts(unittest.TestCase):
    """What a row claims."""

    def test_interval_is_student_s(self):
        """By hand, with the quantile for 99 % and four degrees of freedom."""
        ratios = [0.20, 0.25, 0.22, 0.30, 0.24]
        logs = [math.log(r) for r in ratios]
        mean = sum(logs) / 5
        sd = math.sqrt(sum((x - mean) ** 2 for x in logs) / 4)
        half = 4.604095 * sd / math.sqrt(5)
        unpatched = [10.0, 12.0, 11.0, 40.0, 10.5]
        ratio, low, high = ratio_of(
            unpatched, [r * u for r, u in zip(ratios, unpatched)])
        self.assertAlmostEqual(ratio, math.exp(mean), 6)
        self.assertAlmostEqual(low, math.exp(mean - half), 5)
        self.assertAlmostEqual(high, math.exp(mean + half), 5)

    def test_a_difference_within_the_spread_is_none(self):
        """No ratio is claimed where the interval holds 1."""
        self.assertEqual(row([10, 11, 12, 9, 10], [10, 9, 13, 10, 9]).verdict(),
                         NO_DIFFERENCE)

    def test_a_difference_beyond_it_is_one(self):
        """In either direction."""
        self.assertEqual(row([10, 11, 12], [5.1, 5.4, 6.1]).verdict(), "0.50")
        self.assertEqual(row([5.1, 5.4, 6.1], [10, 11, 12]).verdict(), "1.99")

    def test_rounds_are_paired(self):
        """A machine that slows down in the middle slows both."""
        self.assertTrue(row([10, 100, 1000], [5, 51, 495]).differs())

    def test_equal_samples_have_no_spread(self):
        """But no difference, either."""
        self.assertEqual(ratio_of([3, 3, 3], [3, 3, 3]), (1, 1, 1))
        self.assertFalse(row([3, 3, 3], [3, 3, 3]).differs())

    def test_one_round_has_no_interval(self):
        """And says so."""
        self.assertEqual(row([10], [5]).verdict(), "0.50, of one round")
        self.assertEqual(row([10], [5]).interval(), "")

    def test_nothing_can_be_divided_by_zero(self):
        """Nor is there a logarithm of it."""
        self.assertEqual(row([0, 1], [1, 1]).verdict(), "none: 0 in a round")
        self.assertFalse(row([0, 1], [1, 1]).differs())


class Marks(unittest.TestCase):
    """Of the strips' axes."""

    def test_two_to_four_up_to_the_top(self):
        """For any top."""
        for top in (0.3, 1, 7.7, 19, 99, 101, 62000):
            self.assertIn(int(top / tick(top)), (1, 2, 3, 4), top)


if __name__ == "__main__":
    unittest.main()
