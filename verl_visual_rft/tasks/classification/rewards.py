# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the named rewards pay for an answer to a classification question."""

from __future__ import annotations

from verl_visual_rft.labels import match_closed_set, names_the_class, same_name
from verl_visual_rft.tasks.classification.answer import ClassificationAnswer
from verl_visual_rft.tasks.classification.truth import ClassificationTruth
from verl_visual_rft.tasks.form import FORMAT_WEIGHT, Format

#: Weight of the right class.
ACCURACY_WEIGHT = 2.0

_FORMAT = Format()


class Robust:
    """Pays for the one right class, by any of its names."""

    range = (0.0, ACCURACY_WEIGHT + FORMAT_WEIGHT)
    weights = {"accuracy": ACCURACY_WEIGHT, "format": FORMAT_WEIGHT}

    def __call__(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> dict[str, float]:
        """Score the class that an answer names: ``score = 2 accuracy + 0.5 format``.

        - ``accuracy``: 1 if the answer names the label and no other class of the closed set, by its name or an alias
          (see `names_the_class`). Names are compared as words: the published rule, either text contains the other,
          pays the empty answer and the letter "e". An answer that names two classes is wrong even if one is right:
          paid, listing all of them is the best answer. Without a closed set the answer must be the name alone; an
          article, punctuation and case do not matter.
        - ``format``: see `Format`. It cannot make up for a wrong class.
        """
        right = names_the_class(answer.label, truth.label, truth.labels, truth.aliases)
        return _total(answer, truth, right)


class Robust1:
    """`Robust` as it was first: without a closed set a list of names is paid as the label."""

    range = Robust.range
    weights = Robust.weights

    def __call__(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> dict[str, float]:
        """Score the class that an answer names: ``score = 2 accuracy + 0.5 format``.

        - ``accuracy``: 1 if the answer names the label and no other class of the closed set; without a closed set the
          label anywhere in the answer is enough.
        - ``format``: as in `robust`.
        """
        labels = truth.labels or (truth.label,)
        right = match_closed_set(answer.label, labels, truth.aliases) == truth.label
        return _total(answer, truth, right)


class Paper:
    """The paper's formula (Eq. 3 and 11)."""

    range = (0.0, 2.0)
    weights = {"accuracy": 1.0, "format": 1.0}

    def __call__(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> dict[str, float]:
        """Score the class that an answer names by Eq. 3 and 11: ``score = accuracy + format``.

        - ``accuracy``: 1 if the answer equals the label; case, underscores and white space do not matter.
        - ``format``: 1 if the response is think tags, then answer tags, whatever they hold.
        """
        accuracy, has_format = float(same_name(answer.label, truth.label)), float(answer.has_format)
        return {"score": accuracy + has_format, "accuracy": accuracy, "format": has_format}


def _total(answer: ClassificationAnswer, truth: ClassificationTruth, right: bool) -> dict[str, float]:
    """Return the components of a classification answer and their weighted sum."""
    form = _FORMAT(answer, truth)
    return {
        "score": ACCURACY_WEIGHT * right + FORMAT_WEIGHT * form,
        "accuracy": float(right),
        "format": form,
    }
