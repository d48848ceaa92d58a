# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Components of classification: when an answer is right."""

from __future__ import annotations

from verl_visual_rft.labels import contains_either, names_the_class, same_name
from verl_visual_rft.tasks.classification import ClassificationAnswer, ClassificationTruth


class AccuracyEqual:
    """1 if the answer is the label, but for case, underscores and white space, else 0: the paper's rule.

    Pays for the name as the dataset spells it; "rose." and "a rose" are wrong. Not gamed, but it teaches spelling too.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> float:
        """``1`` if the answer equals the label (see `same_name`), else 0."""
        return float(same_name(answer.label, truth.label))


class AccuracyClosedSet:
    """1 if the answer names the label and no other class of the closed set, by its name or an alias, else 0.

    Pays for the right class however it is written; answers that name several classes are wrong. Not gamed: without a
    closed set ("labels"), where other classes in the answer would go unseen, the answer must be the name alone.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> float:
        """``1`` if the label is the one class that the answer names (see `names_the_class`), else 0."""
        return float(names_the_class(answer.label, truth.label, truth.labels, truth.aliases))


class AccuracyContains:
    """1 if the label contains the answer or the answer the label, else 0: the published code's rule.

    For comparison only. It is gamed by the empty answer, by one letter and by a list of all classes: each is right, or
    nearly always.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> float:
        """``1`` if one contains the other (see `contains_either`), else 0; no answer is the empty one."""
        return float(contains_either(answer.label, truth.label))
