# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What readers of original datasets give and the writer takes: questions about pictures, in the datasets' own terms.

Boxes are in pixels of the picture as it was annotated; nothing here knows prompts, models or parquet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from verl_visual_rft.coordinates import Box, Size
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import MOST_BYTES
from verl_visual_rft.input_files import read_bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of an original dataset.

    Attributes:
        id: Names the picture in its dataset; the same picture has the same id in every split.
        path: Its file. For a picture inside a table, the table's file.
        name: What people call it: its path relative to the dataset's root.
        size: ``(width, height)`` in pixels that the annotations give; None when they give none.
        crop_bottom: Rows to cut off at the bottom (the credit banner of FGVC-Aircraft).
        data: The encoded image where it is no file of its own.
        folder: Folder that ``path`` lies in, links followed. It may be a link itself: that is the user's own choice.
        as_published: Keep its colour mode whatever it is, because others trained on these very bytes.

    Raises:
        UserError: The name is not UTF-8, as no row could hold it.
    """

    id: str
    path: Path
    name: str
    size: Size | None = None
    crop_bottom: int = 0
    data: bytes | None = None
    as_published: bool = False
    folder: Path | None = None

    def __post_init__(self) -> None:
        try:
            self.name.encode()
        except UnicodeEncodeError:
            raise UserError(f"{self.name!r}: the file's name is not UTF-8; rename it") from None

    def read(self) -> bytes:
        """Return the encoded image.

        Raises:
            OSError: The file cannot be read; see `input_files.require_regular`.
            UserError: A link leads out of ``folder``.
        """
        if self.data is not None:
            return self.data
        data = read_bytes(self.path, MOST_BYTES)
        if self.folder is not None and not (target := self.path.resolve()).is_relative_to(self.folder.resolve()):
            # Else a data set that comes from others would decide which pictures of this machine are published in ours.
            raise UserError(
                f"{self.path} is a link that leads out of {self.folder}, to {target}; put a copy in its place"
            )
        return data


@dataclass(frozen=True, slots=True)
class DetectionQuestion:
    """All boxes of one category in one picture.

    Attributes:
        picture: The picture.
        category: Name of the category, as the dataset spells it.
        category_id: Its id in the dataset.
        boxes: ``(x1, y1, x2, y2)`` in pixels; none means that the category is absent.
        prompt: The user text as it is to be asked; None for the task's prompt.
        answer: The text of the SFT target; None: written from the truth.
        reward: Named reward of this question alone; None: the run's.
    """

    picture: Picture
    category: str
    category_id: int
    boxes: tuple[Box, ...]
    prompt: str | None = None
    answer: str | None = None
    reward: str | None = None


@dataclass(frozen=True, slots=True)
class ClassSet:
    """The classes of a dataset and how a question about them is worded.

    Attributes:
        names: The closed set, in the order of the labels.
        container: What the pictures show, "a plant".
        asked: What is asked for, "the species of the plant".
        aliases: Other names of classes: class name -> names.
    """

    names: tuple[str, ...]
    container: str
    asked: str
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClassificationQuestion:
    """The class of one picture.

    Attributes:
        picture: The picture.
        label: Index of its class in ``classes.names``.
        classes: The classes of the dataset.
        prompt: The user text as it is to be asked; None for the task's prompt.
        answer: The text of the SFT target; None: written from the truth.
        reward: Named reward of this question alone; None: the run's.
    """

    picture: Picture
    label: int
    classes: ClassSet
    prompt: str | None = None
    answer: str | None = None
    reward: str | None = None

    @property
    def name(self) -> str:
        """Name of the class."""
        return self.classes.names[self.label]


@dataclass(frozen=True, slots=True)
class GroundingQuestion:
    """The box that an instruction means.

    Attributes:
        picture: The picture.
        instruction: What to find, in words.
        box: ``(x1, y1, x2, y2)`` in pixels.
        prompt: The user text as it is to be asked; None for the task's prompt.
        answer: The text of the SFT target; None: written from the truth.
        reward: Named reward of this question alone; None: the run's.
    """

    picture: Picture
    instruction: str
    box: Box
    prompt: str | None = None
    answer: str | None = None
    reward: str | None = None


Question = DetectionQuestion | ClassificationQuestion | GroundingQuestion


@dataclass(frozen=True, slots=True)
class Mend:
    """Something of the original that was put right, by a documented rule.

    Attributes:
        rule: The rule, in a few words that are the same for all it applies to ("box annotated twice").
        where: File and entry, for people.
    """

    rule: str
    where: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Something of the original that was left out, by a documented rule.

    Attributes:
        rule: The rule, in a few words that are the same for all it applies to ("crowd box", "no file").
        where: File and entry, for people.
    """

    rule: str
    where: str
