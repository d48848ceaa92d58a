# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's experiments: what each is trained on, for how long, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Model, and rollouts of a prompt in the published training scripts, by size.
_MODELS = {"2b": ("Qwen/Qwen2-VL-2B-Instruct", 8), "7b": ("Qwen/Qwen2-VL-7B-Instruct", 4)}
_DETECTION = ("coco", "lvis", "mg")
_WITH_MAPS = ("coco", "lvis")


@dataclass(frozen=True)
class Preparation:
    """Rows of one data set."""

    data_set: str  #: Its name: the script of data_prep/, and that of ``visual-rft data prepare``.
    options: tuple[str, ...] = ()  #: What that is told; the experiment's shots or rows come before them.
    folder: str = "data"  #: Below OUTPUT_DIR; training reads "data".


@dataclass(frozen=True)
class Evaluation:
    """Questions that the model is asked at the end: those of a file FOLDER/SPLIT.parquet."""

    split: str  #: The file.
    folder: str = "data"  #: That of the preparation.
    name: str = ""  #: Tells it from others, where there are several; else empty.


@dataclass(frozen=True)
class Experiment:
    """One experiment of the paper with one size of model."""

    stem: str  #: Its name without the size.
    size: str  #: "2b" or "7b".
    task: str  #: What its rows ask.
    title: str  #: What it is.
    tables: tuple[int, ...]  #: Of the paper; the first is the one that it is known by.
    preparations: tuple[Preparation, ...]  #: Its data; the first is trained on.
    #: Of training on eight A100 of 80 GB, as `visual-rft plan` estimates them; kept here because an estimate takes
    #: veRL's configuration, and half a second.
    gpu_hours: int
    evaluations: tuple[Evaluation, ...] = (Evaluation("val"),)  #: What is asked in the end.
    column: str = ""  #: Of the paper's table 2.
    steps: int = 200  #: Of training, 16 prompts each.
    #: Training pictures of each class for which the paper has figures; empty where it draws none.
    known_shots: tuple[int, ...] = ()
    #: How often its rows are listed, by shots, where those alone would fill no batch.
    copies: Mapping[int, int] = field(default_factory=dict)
    rows: int = 0  #: Training rows to draw; 0: all.
    sam: str = ""  #: Model that makes masks of the answered boxes; empty: none.
    needs: str = ""  #: What else the originals need, for ``--help``.

    @property
    def name(self) -> str:
        """As of its recipe."""
        return f"{self.stem}_{self.size}"

    @property
    def row(self) -> str:
        """Where the paper's tables have it."""
        return f"column {self.column}" if self.column else f"Qwen2-VL-{self.size.upper()}"

    @property
    def model(self) -> str:
        """The paper's model, on the Hugging Face hub."""
        return _MODELS[self.size][0]

    @property
    def rollouts(self) -> int:
        """Answers that GRPO samples to a prompt."""
        return _MODELS[self.size][1]

    @property
    def data_sets(self) -> tuple[str, ...]:
        """Names of the original data sets."""
        return tuple(preparation.data_set for preparation in self.preparations)

    @property
    def is_detection(self) -> bool:
        """Whether it asks for boxes of a category, and so can ask for what is not there."""
        return self.data_sets[0] in _DETECTION

    @property
    def has_maps(self) -> bool:
        """Whether maps of what the untuned model calls present are published for its data sets."""
        return self.data_sets[0] in _WITH_MAPS


def _classification(data_set: str, title: str, column: str) -> Experiment:
    return Experiment(
        data_set,
        "2b",
        task="classification",
        title=f"Few-shot classification: {title}",
        tables=(2,),
        column=column,
        preparations=(Preparation(data_set),),
        evaluations=(Evaluation("test"),),
        gpu_hours=5,
        known_shots=(1, 2, 4, 8, 16),
    )


def _coco_fewshot(size: str, *known_shots: int) -> Experiment:
    return Experiment(
        "coco_fewshot",
        size,
        task="detection",
        title="Few-shot detection: eight categories of COCO",
        tables=(3,),
        preparations=(Preparation("coco", ("--base-categories", "coco-fewshot8")),),
        gpu_hours={"2b": 5, "7b": 8}[size],
        known_shots=known_shots,
        copies={1: 2},  # 8 rows fill no batch of 16
    )


def _lvis_fewshot(size: str) -> Experiment:
    return Experiment(
        "lvis_fewshot",
        size,
        task="detection",
        title="Few-shot detection: six rare categories of LVIS",
        tables=(4,),
        preparations=(Preparation("lvis", ("--shots", "10")),),
        gpu_hours={"2b": 5, "7b": 8}[size],
    )


def _mg_fewshot(size: str) -> Experiment:
    return Experiment(
        "mg_fewshot",
        size,
        task="detection",
        title="Few-shot detection: Monster Girls",
        tables=(5,),
        preparations=(Preparation("mg"),),
        gpu_hours=5,
        known_shots=(4, 16),
    )


def _lisa(size: str) -> Experiment:
    return Experiment(
        "lisa",
        size,
        task="grounding",
        title="Reasoning grounding: LISA (ReasonSeg)",
        tables=(6,),
        preparations=(Preparation("lisa", ("--boxes", "first")),),  # the published truth
        evaluations=(Evaluation("val", name="val"), Evaluation("test", name="test")),
        gpu_hours={"2b": 13, "7b": 21}[size],
        steps=498,
        sam="facebook/sam-vit-huge",
    )


def _coco_ovd(size: str) -> Experiment:
    categories = ("--base-categories", "coco-base65", "--novel-categories", "coco-novel15")
    return Experiment(
        "coco_ovd",
        size,
        task="detection",
        title="Open-vocabulary detection: COCO 65/15, and 13 rare categories of LVIS",
        tables=(7, 8),
        preparations=(
            Preparation("coco", categories),
            Preparation("lvis", ("--setting", "open-vocabulary"), folder="data_lvis"),
        ),
        evaluations=(Evaluation("val", name="coco"), Evaluation("val", "data_lvis", name="lvis")),
        gpu_hours={"2b": 19, "7b": 31}[size],
        steps=750,
        rows=6000,
        needs="LVIS has the pictures of COCO: lay lvis_v1_val.json beside COCO's annotations.",
    )


#: By name, in its order.
EXPERIMENTS: Mapping[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        _classification("cars196", "Stanford Cars", "Cars196"),
        _coco_fewshot("2b", 1, 2, 4, 8, 16),
        _coco_fewshot("7b", 4),
        _coco_ovd("2b"),
        _coco_ovd("7b"),
        _classification("fgvc_aircraft", "FGVC-Aircraft", "FGVC"),
        _classification("flowers102", "Flowers102", "Flower102"),
        _lisa("2b"),
        _lisa("7b"),
        _lvis_fewshot("2b"),
        _lvis_fewshot("7b"),
        _mg_fewshot("2b"),
        _classification("pets37", "Oxford-IIIT Pets", "Pets37"),
    )
}
