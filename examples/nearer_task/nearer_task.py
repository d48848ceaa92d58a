# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A task of one's own, named in this package's entry points: which of two things is nearer to the camera."""

from dataclasses import dataclass
from statistics import fmean

from verl_visual_rft.answers import NO_ANSWER_REASON, Answer, Outcome
from verl_visual_rft.answers.tags import split_tags
from verl_visual_rft.prompts import tagged
from verl_visual_rft.tasks import Task, Truth
from verl_visual_rft.tasks.audited import ALL, AuditedTask
from verl_visual_rft.tasks.audited.policy import policies, response, unasked_reasoning
from verl_visual_rft.tasks.findings import Finding
from verl_visual_rft.tasks.form import FORMAT_WEIGHT, Format
from verl_visual_rft.tasks.marks import text_mark
from verl_visual_rft.tasks.metrics import TaskMetrics
from verl_visual_rft.tasks.question import Asked, Question
from verl_visual_rft.tasks.reading import read_think, unreadable

SIDES = ("left", "right")
TRUTH_FORM = 'give {"nearer": "left"} or {"nearer": "right"}'
PROMPT = "Which is nearer to the camera, {}? Answer 'left' or 'right'. Output the {} answer in <answer> </answer> tags."


@dataclass(frozen=True)
class NearerTruth(Truth):
    nearer: str
    think: bool = True

    @property
    def solution(self):
        return tagged(self.nearer)

    def marks(self):
        return (text_mark(self.nearer),)


@dataclass(frozen=True)
class NearerAnswer(Answer):
    nearer: str


@dataclass(frozen=True, slots=True)
class NearerQuestion(Question):
    task = "nearer"
    left: str
    right: str
    nearer: str

    @property
    def subject(self):
        return f"the {self.left} on the left or the {self.right} on the right"

    def ask(self, space, think):
        prompt = PROMPT.format(self.subject, "thinking process in <think> </think> and final" if think else "final")
        thinking = f"I compare the {self.left} with the {self.right}: the one on the {self.nearer} is nearer."
        return Asked(prompt, {"nearer": self.nearer}, tagged(self.nearer), thinking, self.subject)


class Nearer(Task[NearerTruth, NearerAnswer]):
    name = "nearer"
    summary = "which of two things is nearer to the camera"
    truth_form = TRUTH_FORM
    json_keys = ("left", "right", "nearer")
    json_example = '"left": "cup", "right": "pen", "nearer": "left"'
    asks_by_name = False
    quick = {"nearer_accuracy": "Nearer"}
    accuracies = ("nearer",)
    rewards = {"robust": "nearer_task:Robust"}
    audit = "nearer_task:AUDIT"
    metrics = "nearer_task:METRICS"

    def read_truth(self, content):
        if content.get("nearer") not in SIDES:
            raise unreadable(content, "has neither 'left' nor 'right' under the key 'nearer'", TRUTH_FORM)
        return NearerTruth(content["nearer"], read_think(content, TRUTH_FORM))

    def read_solution(self, text):
        return self.read_truth({"nearer": self.parse(text, (0, 0), True).nearer})

    def read_line(self, line):
        side = self.read_truth(line.content).nearer
        return NearerQuestion(line.picture, line.text("left"), line.text("right"), side, reward=line.reward)

    def parse(self, response, extent, think):
        tags = split_tags(response, think)
        bare = tags.answer is None
        said = (tags.untagged if bare else tags.answer).strip()
        side = said.lower().rstrip(".")
        fault = "no answer tags" if bare else tags.fault or ("" if said == side else "spelling")
        outcome = Outcome.REPAIRED if fault else Outcome.WELL_FORMED
        if side not in SIDES:
            outcome, fault = (Outcome.NO_ANSWER, NO_ANSWER_REASON) if bare else (Outcome.MALFORMED, "neither side")
        return NearerAnswer(outcome, fault, tags.has_format, tags.thinking, side if side in SIDES else "")

    def says(self, answer, truth):
        return answer.outcome is Outcome.WELL_FORMED and answer.nearer == truth.nearer

    def marks(self, answer):
        return (text_mark(answer.nearer),) if answer.nearer else ()

    def find(self, answer, truth):
        return set() if answer.nearer == truth.nearer else {Finding.WRONG_CLASS}


class Robust:
    """Pays for the side that is nearer."""

    range = (0.0, 2.0 + FORMAT_WEIGHT)
    weights = {"nearer": 2.0, "format": FORMAT_WEIGHT}

    def __call__(self, answer, truth):
        """``score = 2 nearer + 0.5 format``; always to say the same side is worth half of the first."""
        right, form = float(answer.nearer == truth.nearer), Format()(answer, truth)
        return {"score": 2.0 * right + FORMAT_WEIGHT * form, "nearer": right, "format": form}


class Metrics(TaskMetrics):
    columns = {"accuracy": "accuracy", "reward": "mean reward"}
    caption = "Share of questions whose nearer side was named, in percent; 50 by chance"

    def quick(self, samples):
        return {"nearer_accuracy": 100 * fmean(sample.answer.nearer == sample.truth.nearer for _, sample in samples)}

    def measure(self, answered):
        from verl_visual_rft.evaluation.results import Measured, answer_statistics, mean_figure

        right = [item.sample.answer.nearer == item.sample.truth.nearer for item in answered.scored]
        figures = {"accuracy": mean_figure(right, [item.prediction.image_id for item in answered.scored])}
        return Measured("nearer", len(right), figures, answer_statistics(answered.scored, answered.reward))


def honest(question, rng):
    """Names the right side 80 % of the time."""
    p_right = {"weak": 0.65, "moderate": 0.8, "strong": 0.95}[question.skill]
    side = question.truth.nearer
    return response(side if rng.random() < p_right else SIDES[side == "left"], rng)


def always_left(question, rng):
    """Says "left" whatever the picture."""
    return response("left", rng)


METRICS = Metrics()
AUDIT = AuditedTask(
    *policies(honest), policies(always_left, blind=True), unasked_reasoning(honest), (ALL,),
    lambda question: frozenset({ALL}), lambda rng: {"nearer": rng.choice(SIDES)},
)  # fmt: skip
