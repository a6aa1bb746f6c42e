#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of what reports say of samples, and of what documents cite."""

import math
import tempfile
import unittest
from pathlib import Path

import cited
import eval_report
from eval_figures import DESIGNS, Results
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


class Everything(dict):
    """Figures of whatever one asks for."""

    def __missing__(self, key):
        return [1.0, 1.1, 1.2, 1.3]

    def __contains__(self, key):
        return True

    def get(self, key, default=None):
        return self[key]


class Answers(unittest.TestCase):
    """Of the report of an evaluation."""

    def test_each_question_is_answered_if_all_was_measured(self):
        """The template and what it calls fit together."""
        with tempfile.TemporaryDirectory() as root:
            res = Results(Path(root))
            res.figures = Everything({
                (f"{part}, 256 MiB of {n}: {figure}", "unpatched"): [1.0] * 4
                for part in ("release", "cpus-1", "workers-1", "workers-2",
                             "zswap-kill")
                for n in (1, 4) for figure in ("released", "left")})
            for design in DESIGNS:
                res.figures["release, 256 MiB of 4: left", design] = [0.0] * 4
            res.sweep = {("64M", 256, 8): [1.0] * 4}
            res.designs = lambda part: list(DESIGNS)
            (res.root / "machine").write_text("commit 1234567\n")
            text = eval_report.environment(eval_report.Report(res)).get_template(
                "eval_report.md").render()
        self.assertEqual(text.count("Not measured"), 0)
        self.assertEqual(text.count("\n### "), 10)
        # Of which there are no files.
        self.assertTrue("The part timeline is not complete" in text)

    def test_what_was_not_measured_is_not_answered(self):
        """But the rest of the report is there."""
        with tempfile.TemporaryDirectory() as root:
            (Path(root) / "machine").write_text("commit 1234567\n")
            text = eval_report.environment(eval_report.Report(
                Results(Path(root)))).get_template("eval_report.md").render()
        self.assertEqual(text.count("Not measured"), 9)


class Cited(unittest.TestCase):
    """Figures in documents."""

    figures = {"a: b | on": [9.84, 9.0, 11.0], "a: b | unpatched": [20, 20, 20],
               "REVISION of eval": "531de53-dirty"}

    def correct(self, text, document):
        """The document with the right figures."""
        pattern, names = cited.pattern_of(text)
        return cited.corrected(self.figures, pattern.search(document), names)

    def test_a_figure_ends_before_the_sentence_does(self):
        """A dot may be of either."""
        self.assertEqual(self.correct("takes {a: b | on | 1}.", "takes 178."),
                         "takes 9.8.")
        self.assertEqual(self.correct("is {a: b | on | /2} of", "is 0.8 of"),
                         "is 0.49 of")

    def test_a_range_is_part_of_it(self):
        """At the end of a line, too."""
        self.assertEqual(self.correct("x {a: b | on | 0~}", "x 0.26 (0.2-3)"),
                         "x 10 (9-11)")

    def test_columns_stay_where_they_are(self):
        """Whether figures get longer or shorter."""
        for before in "14.00   2.5", "1       2.5":
            self.assertEqual(self.correct("y {a: b | on | 1} {a: b | on | 0}",
                                          "y  " + before), "y  9.8     10")

    def test_a_revision_may_be_dirty(self):
        """And is found again."""
        text = "by {REVISION of eval}, as"
        self.assertEqual(self.correct(text, "by 1234567-dirty, as"),
                         "by 531de53-dirty, as")

    def test_what_was_not_measured_is_told(self):
        """By its name."""
        with self.assertRaisesRegex(KeyError, "c | on"):
            self.correct("z {c | on | 1}", "z 1")


if __name__ == "__main__":
    unittest.main()
