# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Questions about pictures in the datasets' own terms, before they are put to a model.

Boxes and points are in pixels of the picture as it was annotated; nothing here knows models or parquet.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from verl_visual_rft.boxes import Box
from verl_visual_rft.coordinates import Placement, Size, to_extent
from verl_visual_rft.errors import UserError
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
        from verl_visual_rft.image_files import MOST_BYTES  # with Pillow, which scoring does without

        data = read_bytes(self.path, MOST_BYTES)
        if self.folder is not None and not (target := self.path.resolve()).is_relative_to(self.folder.resolve()):
            # Else a data set that comes from others would decide which pictures of this machine are published in ours.
            raise UserError(
                f"{self.path} is a link that leads out of {self.folder}, to {target}; put a copy in its place"
            )
        return data


@dataclass(frozen=True)
class Space:
    """The space in which a model answers about a picture.

    Attributes:
        placement: Where annotations lie in the stored picture.
        extent: Upper ends of the model's coordinates, ``(x, y)``.
        pixels: Whether these are pixels of the resized picture, not the 0-1000 grid.
    """

    placement: Placement
    extent: Size
    pixels: bool

    def box(self, box: Box) -> tuple[int, int, int, int]:
        """Return an annotated box in the model's coordinates."""
        return to_extent(self.placement.box(box), self.placement.size, self.extent)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return an annotated point in the model's coordinates, to two decimal places."""
        across, down = self.placement.point(x, y)
        (width, height), (x_end, y_end) = self.placement.size, self.extent
        return round(across / width * x_end, 2), round(down / height * y_end, 2)


@dataclass(frozen=True)
class Asked:
    """A question in the model's words and coordinates.

    Attributes:
        prompt: The user text.
        truth: What `Task.read_truth` reads, without the extent and ``think``, which all tasks share.
        answer: The target of supervised fine-tuning, in answer tags.
        thinking: A short, true thinking process for a target that is to have one.
        category: What is asked for: a category, a class name, an instruction.
        category_id: Its id in the dataset; None where it has none.
    """

    prompt: str
    truth: Mapping[str, Any]
    answer: str
    thinking: str
    category: str
    category_id: int | None = None


@dataclass(frozen=True, slots=True)
class Question(ABC):
    """A question about one picture; a task has a subclass of its own.

    Attributes:
        picture: The picture.
        prompt: The user text as it is to be asked; None for the task's prompt.
        answer: The text of the SFT target; None: written from the truth.
        reward: Named reward of this question alone; None: the run's.
    """

    task: ClassVar[str]

    picture: Picture
    prompt: str | None = field(default=None, kw_only=True)
    answer: str | None = field(default=None, kw_only=True)
    reward: str | None = field(default=None, kw_only=True)

    @property
    def is_negative(self) -> bool:
        """Whether the right answer is that there is nothing."""
        return False

    @property
    def group(self) -> str:
        """The category or class under which it is counted; empty where each question is one of its own."""
        return ""

    @property
    def subject(self) -> str:
        """What is asked for, where a picture may be asked about more than one; empty where it is not."""
        return ""

    def bounds(self) -> tuple[Box, ...]:
        """Return the boxes around what the truth marks in the picture, each of which must lie in it."""
        return ()

    @abstractmethod
    def ask(self, space: Space, think: bool) -> Asked:
        """Put it to a model.

        Args:
            space: In which the model answers.
            think: Whether the prompt asks for a thinking process.
        """


class Line(ABC):
    """One line of a JSON-lines file, with what a task may ask of it; every method refuses what it cannot read.

    Attributes:
        content: Its keys, which are the task's.
        picture: The picture that it is about.
        reward: Named reward of this line alone.
        container: What pictures to classify show, "a plant".
        asked: What is asked of them, "the species of the plant".
    """

    content: Mapping[str, Any]
    picture: Picture
    reward: str | None
    container: str
    asked: str

    @abstractmethod
    def text(self, key: str) -> str:
        """Return a text that can stand in a prompt."""

    @abstractmethod
    def boxes(self, value: Any) -> tuple[Box, ...]:
        """Return boxes in pixels, cut at the edges of the picture, each object's once."""

    @abstractmethod
    def points(self, value: Any) -> tuple[tuple[float, float], ...]:
        """Return points in pixels, all of which must lie in the picture."""

    @abstractmethod
    def gave(self, key: str) -> bool:
        """Whether the line has a key by this very name, perhaps a synonym of a task's."""
