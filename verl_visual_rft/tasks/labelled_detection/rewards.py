# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the named rewards pay for an answer about several categories."""

from __future__ import annotations

from verl_visual_rft.tasks.form import FORMAT_WEIGHT, Format
from verl_visual_rft.tasks.labelled_detection.answer import LabelledAnswer
from verl_visual_rft.tasks.labelled_detection.matching import match
from verl_visual_rft.tasks.labelled_detection.truth import LabelledTruth
from verl_visual_rft.tasks.matching import Report, says_no_objects

#: A box with less overlap is not on the object: see detection's `ROBUST_IOU`.
ROBUST_IOU = 0.1
#: Weights of the components. A named box is worth most; one that is only placed well is worth a fifth of it.
IOU_WEIGHT, PLACEMENT_WEIGHT = 2.0, 0.5

_FORMAT = Format()


class Robust:
    """Bounded components that pay for boxes on objects under the right name, and a little for the place alone."""

    range = (0.0, IOU_WEIGHT + PLACEMENT_WEIGHT + FORMAT_WEIGHT)
    weights = {"iou": IOU_WEIGHT, "placement": PLACEMENT_WEIGHT, "format": FORMAT_WEIGHT}

    def __call__(
        self, answer: LabelledAnswer, truth: LabelledTruth, tau: float | None = None, report: Report | None = None
    ) -> dict[str, float]:
        """Score an answer: ``score = 2 iou + 0.5 placement + 0.5 format``, in [0, 3].

        Boxes are matched one to one with the objects of the category that their label names (`match_closed_set`),
        greedily in their order, most confident first, at IoU >= 0.1 or at the tau that the run prescribes; then boxes
        and objects that are left over, whatever the label. N = (predictions + truths) / 2 over all categories together;
        a box that is not valid, or whose label names no category of the prompt, is a prediction all the same.

        - ``iou``: ``sum of the IoU of the pairs within labels / N``, in [0, 1]. No threshold at 0.5, so it rises with
          every pixel gained. One to one and with N, neither a duplicate nor a flood pays, nor finding one of many; with
          the largest IoU of each box and no matching, a second guess at the same object would be free
          (`components.MaxIoU`). N is of all categories together: a mean over the categories would weigh a lone object
          more than one of many, and the absent ones of a long list would drown the others or count for nothing.
        - ``placement``: ``(the same sum + the IoU of the pairs left over) / N``, in [0, 1]. A wrong name still tells a
          misplaced box from a well placed one, from which names can be learnt; it is worth a fifth, so that names are.
        - ``format``: 1 for think tags, then answer tags, with reasoning that has words of its own and an answer that
          needed no repair (`Format`); where the prompt asks for the answer alone, for that.

        Confidences decide who chooses first and are paid nothing: the prompt asks for none. To pay for them compose
        ``robust=1,confidence=0.5``.

        "No Objects" where something is there earns 0 of iou and placement; where none of the categories is, it earns 1
        of both, and boxes earn 0. With one object that is there with probability p, a box whose expected IoU on it is e
        and a name that is right with probability l, the box is worth ``p e (2 l + 0.5)`` and "No Objects"
        ``2.5 (1 - p)``: with l = 1 it pays below p = 0.50 for e = 1, 0.56 for e = 0.8 and 0.67 for e = 0.5; with
        l = 0.5 below 0.68 for e = 0.8. The same box under a second name, right with probability m, pays for
        ``m > l / 2 + 1/8``, as in the F1 score: where two names are about equally likely, both are answered.
        """
        placement = overlap = says_no_objects(answer) if not truth.objects else 0.0
        named = mislabelled = 0
        if truth.objects and answer.objects:
            pairs = match(answer, truth, ROBUST_IOU if tau is None else tau, report)
            named, mislabelled = len(pairs.hits), len(pairs.mislabelled)
            overlap = sum(pairs.hits) / pairs.mean_count
            placement = overlap + sum(pairs.mislabelled) / pairs.mean_count
        elif answer.objects and report is not None:
            match(answer, truth, ROBUST_IOU if tau is None else tau, report)
        form = _FORMAT(answer, truth)
        return {
            "score": IOU_WEIGHT * overlap + PLACEMENT_WEIGHT * placement + FORMAT_WEIGHT * form,
            "iou": overlap,
            "placement": placement,
            "format": form,
            "n_matched": float(named),
            "n_mislabelled": float(mislabelled),
        }
