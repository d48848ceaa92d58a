# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From questions to a prepared folder: the one pipeline of all tasks."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft import __version__
from verl_visual_rft.coordinates import FAMILIES
from verl_visual_rft.datasets.images import StoredPicture, load_pictures
from verl_visual_rft.datasets.manifest import MANIFEST_NAME, Manifest, load_manifest, prompt_version
from verl_visual_rft.datasets.rows import RFT_SCHEMA, SFT_SCHEMA, SFT_TARGETS, RowStyle, build_row
from verl_visual_rft.datasets.skips import Mend, Skip
from verl_visual_rft.datasets.tally import Contradictions, Kept, Tally, by_rule, merged_conversions, shared_pictures
from verl_visual_rft.datasets.tokens import TextTokens
from verl_visual_rft.datasets.writer import RowWriter, staged_folder, write_companion, write_json
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import MOST_PIXELS
from verl_visual_rft.input_files import sha256_of
from verl_visual_rft.progress import RowProgress
from verl_visual_rft.tasks.question import Picture, Question

TRAIN = "train"
SFT_NAME = "sft_train.parquet"
_WORTH_PROCESSES = 256  # rows below which starting processes takes longer than reading the pictures
_SHOWN_SKIPS = 10

#: Makes the files that lie beside the parquet: name -> bytes, or what becomes JSON. Given what was kept, by split.
Companions = Callable[[Mapping[str, Kept]], Mapping[str, Any]]


@dataclass(frozen=True)
class PrepareOptions:
    """What all rows of a prepared folder share."""

    seed: int = 0  #: Seed of every draw.
    #: Training pictures of each category or class; None for all. (Written to the manifest; readers draw.)
    shots: int | None = None
    think: bool = True  #: Whether the prompt asks for a thinking process.
    family: str = "qwen2-vl"  #: Model family, a key of `coordinates.FAMILIES`.
    min_pixels: int = 3136  #: Smaller pictures are enlarged to this many pixels before the vision tower.
    max_pixels: int = 401408  #: Larger pictures are reduced to this many.
    #: Longer prompts are left out, and listed; needs ``tokenizer``. None for no limit.
    max_prompt_tokens: int | None = None
    #: Folder of the model's tokenizer and chat template; None leaves ``prompt_tokens`` empty.
    tokenizer: Path | None = None
    workers: int = 1  #: Processes that read and check pictures; the output is the same for any number.
    strict: bool = False  #: Make every skip an error.
    sft: bool = True  #: Also write sft_train.parquet.
    sft_target: str = SFT_TARGETS[0]  #: What its targets say, one of `rows.SFT_TARGETS`.
    reward: str | None = None  #: Reward of these rows, where one training mixes tasks; None for the run's own.


def check_options(options: PrepareOptions) -> None:
    """Refuse options that cannot be, or contradict each other.

    Raises:
        UserError: The message names them as on the command line.
    """
    if not -(2**63) <= options.seed < 2**63:
        raise UserError(f"--seed has {len(str(abs(options.seed)))} digits; give one of 64 bits")
    if options.family not in FAMILIES:
        raise UserError(f"unknown model family {options.family!r}: use one of {', '.join(FAMILIES)}")
    if options.min_pixels > MOST_PIXELS:
        raise UserError(f"--min-pixels {options.min_pixels} is more than a picture may have, {MOST_PIXELS}")
    if options.min_pixels > options.max_pixels:
        raise UserError(f"--min-pixels {options.min_pixels} is more than --max-pixels {options.max_pixels}")
    if options.sft_target not in SFT_TARGETS:
        raise UserError(f"unknown sft_target {options.sft_target!r}: use {' or '.join(SFT_TARGETS)}")
    if options.sft_target == "reasoning" and not options.think:
        raise UserError("--sft-target reasoning contradicts --no-think: the prompt would not ask for the reasoning")
    if options.max_prompt_tokens is not None and options.tokenizer is None:
        raise UserError("--max-prompt-tokens needs --tokenizer, the folder of the model, to count tokens")


def prepare(
    out: Path,
    splits: Mapping[str, Sequence[Question]],
    options: PrepareOptions,
    dataset: str,
    sources: Sequence[Path],
    skips: Sequence[Skip] = (),
    details: Mapping[str, Any] | None = None,
    companions: Companions | None = None,
    mends: Sequence[Mend] = (),
) -> Manifest:
    """Write ``<split>.parquet`` for each split, sft_train.parquet and manifest.json to ``out``, all or nothing.

    Args:
        out: Folder to write; files of the same names are replaced.
        splits: Questions by split, "train" and "val" say, in the order of the rows. A sequence may make its questions
            as they are asked for; they are gone through once.
        options: What all rows share.
        dataset: Name of the data set, the rows' ``data_source``.
        sources: Annotation files that were read; the manifest gets their hashes.
        skips: What the reader left out.
        details: Further keys of the manifest, ``categories`` say.
        companions: Makes the files beside the parquet.
        mends: What the reader put right.

    Raises:
        UserError: A split is empty, a truth cannot be read, ``strict`` and something was left out, or ``out`` cannot
            be written or is being written by another process. Nothing is left under a final name.
    """
    empty = [split for split, questions in splits.items() if not len(questions)]
    if empty or not splits:
        raise UserError(f"no question for {', '.join(map(repr, empty)) or 'any split'}; nothing to prepare")
    _refuse_when_strict(skips, options)
    check_options(options)
    style = RowStyle(dataset, options, None if options.tokenizer is None else TextTokens(options.tokenizer))
    with staged_folder(out, last=MANIFEST_NAME) as folder:
        tallies = {split: _write_split(folder, split, asked, style) for split, asked in splits.items()}
        left_out = [*skips, *dict.fromkeys(skip for tally in tallies.values() for skip in tally.skips)]
        _refuse_when_strict(left_out, options)
        for split, tally in tallies.items():
            if not tally.rows:
                raise UserError(f"no row of {split!r} can be used:\n{_listed(tally.skips)}")
        if companions is not None:
            kept = {split: tally.placements for split, tally in tallies.items()}
            for name, content in companions(kept).items():
                write_companion(folder / name, content)
        manifest = _manifest(folder, tallies, left_out, options, dataset, sources)
        mended = {"mends": by_rule(mends)} if mends else {}
        write_json(folder / MANIFEST_NAME, {**manifest, **mended, **(details or {})})
        _remove_former(out, keep=manifest["files"])
        written = load_manifest(folder)
    return written


def _write_split(folder: Path, split: str, questions: Sequence[Question], style: RowStyle) -> Tally:
    tally, contradictions, options = Tally(), Contradictions(), style.options
    with ExitStack() as stack:
        writers = [stack.enter_context(RowWriter(folder / f"{split}.parquet", RFT_SCHEMA))]
        if options.sft and split == TRAIN:
            writers.append(stack.enter_context(RowWriter(folder / SFT_NAME, SFT_SCHEMA)))
        progress = stack.enter_context(RowProgress(split, len(questions)))
        for asked, stored in _with_pictures(questions, options.workers):
            for question in asked:
                if isinstance(stored, Skip):
                    tally.skip(stored, question)
                    continue
                row = build_row(question, stored, tally.rows, split, style)
                if isinstance(row, dict) and split == TRAIN:  # elsewhere scores are compared with those of others
                    row = contradictions.find(row, (stored.source_sha256, question.picture.crop_bottom)) or row
                if isinstance(row, Skip):
                    tally.skip(row, question)
                    continue
                for writer in writers:
                    writer.add(row, len(stored.data))
                tally.add(question, stored, row)
            progress.advance(len(asked))
    return tally


def _with_pictures(
    questions: Sequence[Question], workers: int
) -> Iterator[tuple[list[Question], StoredPicture | Skip]]:
    """Yield neighbouring questions about the same picture together with it; questions are taken as they are needed."""
    waiting: deque[list[Question]] = deque()

    def pictures() -> Iterator[Picture]:
        for picture, asked in itertools.groupby(questions, key=lambda question: question.picture):
            waiting.append(list(asked))
            yield picture

    for stored in load_pictures(pictures(), workers if len(questions) >= _WORTH_PROCESSES else 1):
        yield waiting.popleft(), stored


def _manifest(
    folder: Path,
    tallies: Mapping[str, Tally],
    skips: Sequence[Skip],
    options: PrepareOptions,
    dataset: str,
    sources: Sequence[Path],
) -> Manifest:
    task = " + ".join(sorted({task for tally in tallies.values() for task in tally.tasks}))
    return {
        "task": task,
        "dataset": dataset,
        "package_version": __version__,
        "prompt_version": prompt_version(task),
        "seed": options.seed,
        "shots": options.shots,
        "options": _recorded(options),
        "sources": {
            "files": _source_files(sources),
            "pictures": {split: tally.pictures() for split, tally in tallies.items()},
        },
        "counts": {
            **{split: tally.counts() for split, tally in tallies.items()},
            "both": {"images": shared_pictures(tallies.values())},
        },
        "skips": by_rule(skips),
        "conversions": merged_conversions(tallies.values()),
        "chosen": {split: tally.chosen() for split, tally in tallies.items()},
        "files": {
            path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    }


def _refuse_when_strict(skips: Sequence[Skip], options: PrepareOptions) -> None:
    if options.strict and skips:
        raise UserError(f"{len(skips)} would be left out, which --strict forbids:\n{_listed(skips)}")


def _listed(skips: Collection[Skip]) -> str:
    shown = [f"  {skip.rule}: {skip.where}" for skip in itertools.islice(skips, _SHOWN_SKIPS)]
    more = len(skips) - len(shown)
    return "\n".join([*shown, *([f"  ... and {more} more"] if more > 0 else [])])


def _recorded(options: PrepareOptions) -> dict[str, Any]:
    """Return the options that decide the rows and have no key of their own in the manifest."""
    elsewhere = ("seed", "shots", "workers", "strict")
    recorded = {key: value for key, value in asdict(options).items() if key not in elsewhere}
    return recorded | {"tokenizer": options.tokenizer and options.tokenizer.name}


def _source_files(sources: Sequence[Path]) -> list[dict[str, Any]]:
    """Return name, length and hash of each file; names are relative to the folder that holds all of them."""
    if not sources:
        return []
    common = Path(os.path.commonpath([path.resolve().parent for path in sources]))
    return [
        {
            "file": path.resolve().relative_to(common).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
        }
        for path in sources
    ]


def _remove_former(out: Path, keep: Mapping[str, Any]) -> None:
    """Remove what an earlier run wrote to ``out`` and this one does not."""
    try:
        former = load_manifest(out)["files"]
    except UserError:
        return
    for name in former.keys() - keep.keys():
        if not Path(name).is_absolute() and ".." not in Path(name).parts:
            (out / name).unlink(missing_ok=True)
