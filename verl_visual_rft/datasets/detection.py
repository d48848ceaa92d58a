# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From a checked detection dataset to a prepared folder: choose questions, check images, write rows and manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.progress import track

from verl_visual_rft import __version__
from verl_visual_rft.datasets import sampling
from verl_visual_rft.datasets.category_lists import require_known
from verl_visual_rft.datasets.coco_layout import CocoDataset, CocoPaths, load_coco
from verl_visual_rft.datasets.images import CheckedImage, check_images, find_missing
from verl_visual_rft.datasets.manifest import MANIFEST_NAME, Manifest
from verl_visual_rft.datasets.rows import RFT_SCHEMA, SFT_SCHEMA, DetectionSample, RowStyle, rft_row, sft_row
from verl_visual_rft.datasets.sampling import Pair, PairIndex
from verl_visual_rft.datasets.writer import sha256_of, staged_folder, write_json, write_parquet
from verl_visual_rft.errors import UserError
from verl_visual_rft.prompts import PROMPT_VERSION


@dataclass(frozen=True)
class DetectionOptions:
    """How questions are chosen and asked.

    Attributes:
        base_categories: Names that training asks for; None for all of the training file that are not novel.
        novel_categories: Names that only evaluation asks for.
        rows: Open vocabulary: this many training rows, drawn from all base pairs. Exactly one of rows and shots.
        shots: Few-shot: this many training images of each base category.
        negatives: Share in [0, 1) of training rows whose category is absent. Few-shot negatives come from the
            chosen images alone, so that no further image is seen.
        val_negatives: Share in [0, 1) of validation rows whose category is absent.
        max_val_images: Draw this many validation images; None for all.
        seed: Seed of every draw.
        skip_missing_images: Leave out (and count) annotated images that have no file, instead of an error.
        style: What all rows share.
    """

    base_categories: tuple[str, ...] | None
    novel_categories: tuple[str, ...]
    rows: int | None
    shots: int | None
    negatives: float
    val_negatives: float
    max_val_images: int | None
    seed: int
    skip_missing_images: bool
    style: RowStyle


@dataclass(frozen=True)
class _Split:
    """A split's annotations, the images of it that have a file, and the questions chosen."""

    name: str
    dataset: CocoDataset
    folder: Path
    missing: int
    index: PairIndex
    categories: Mapping[int, str]
    pairs: Sequence[Pair]

    def sample(self, pair: Pair) -> DetectionSample:
        image, category = self.dataset.images[pair.image_id], self.dataset.categories[pair.category_id]
        return DetectionSample(image, category, self.index.boxes.get(pair, ()))

    @property
    def image_ids(self) -> list[int]:
        return sorted({pair.image_id for pair in self.pairs})


def prepare_detection(paths: CocoPaths, options: DetectionOptions, out: Path) -> Manifest:
    """Write train.parquet, sft_train.parquet, val.parquet, val_annotations.json and manifest.json to ``out``.

    Everything that can be wrong with the input is checked, each chosen image decoded once, before ``out`` is touched.

    Raises:
        UserError: Bad input, more rows or shots than there are, or an output folder that cannot be written.
    """
    train_data, val_data = load_coco(paths.train_annotations), load_coco(paths.val_annotations)
    base, novel = _category_groups(train_data, val_data, options)
    train = _choose_train(train_data, paths.train_images, base, options)
    val = _choose_val(val_data, paths.val_images, (*base, *novel), options)
    checked = {split.name: _check_split(split) for split in (train, val)}

    with staged_folder(out, last=MANIFEST_NAME) as folder:
        for name, split, build, schema in (
            ("train.parquet", train, rft_row, RFT_SCHEMA),
            ("sft_train.parquet", train, sft_row, SFT_SCHEMA),
            ("val.parquet", val, rft_row, RFT_SCHEMA),
        ):
            rows = (
                build(sample, image_bytes, index, split.name, options.style)
                for index, (sample, image_bytes) in enumerate(_read_samples(split, f"writing {name}"))
            )
            write_parquet(folder / name, rows, schema)
        write_json(folder / "val_annotations.json", _evaluated_annotations(val))
        manifest = _manifest(train, val, base, novel, options, checked, sorted(folder.iterdir()))
        write_json(folder / MANIFEST_NAME, manifest)
    return manifest


def _category_groups(
    train: CocoDataset, val: CocoDataset, options: DetectionOptions
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    train_names = [category.name for _, category in sorted(train.categories.items())]
    val_names = [category.name for category in val.categories.values()]
    novel = options.novel_categories
    base = options.base_categories
    if base is None:
        base = tuple(name for name in train_names if name not in novel)
    both = sorted({*base} & {*novel})
    if both:
        raise UserError(f"{', '.join(map(repr, both))} cannot be base and novel at once")
    if not base:
        raise UserError("no base category is left to train on")
    require_known(base, train_names, str(train.path))
    require_known((*base, *novel), val_names, str(val.path))
    return base, novel


def _choose_train(dataset: CocoDataset, folder: Path, base: Sequence[str], options: DetectionOptions) -> _Split:
    present, missing = _present_images(dataset, folder, options.skip_missing_images)
    categories = dataset.category_ids(base)
    index = sampling.index_pairs(dataset, present, categories, allow_crowd=False)
    if options.shots is not None:
        positives = sampling.few_shot(index, categories, options.shots, options.seed)
        negative_count = sampling.negatives_for(len(positives), options.negatives)
        negative_images: Collection[int] = {pair.image_id for pair in positives}
    elif options.rows is not None:
        negative_count = round(options.rows * options.negatives)
        positives = sampling.open_vocabulary(index, options.rows - negative_count, options.seed)
        negative_images = present
    else:
        raise UserError("give either rows (open vocabulary) or shots (few-shot)")
    pairs = [*positives, *sampling.absent(index, negative_images, categories, negative_count, options.seed)]
    Random(f"order {options.seed}").shuffle(pairs)
    return _Split("train", dataset, folder, missing, index, categories, pairs)


def _choose_val(dataset: CocoDataset, folder: Path, evaluated: Sequence[str], options: DetectionOptions) -> _Split:
    present, missing = _present_images(dataset, folder, options.skip_missing_images)
    categories = dataset.category_ids(evaluated)
    index = sampling.index_pairs(dataset, present, categories, allow_crowd=True)
    images = sorted({pair.image_id for pair in index.boxes})
    if not images:
        raise UserError(f"{dataset.path}: no image with a file shows any of the categories to evaluate")
    if options.max_val_images is not None:
        images = sorted(Random(f"val {options.seed}").sample(images, min(options.max_val_images, len(images))))
    kept = frozenset(images)
    positives = [pair for pair in index.boxes if pair.image_id in kept]
    count = sampling.negatives_for(len(positives), options.val_negatives)
    negatives = sampling.absent(index, images, categories, count, options.seed)
    return _Split("val", dataset, folder, missing, index, categories, sorted([*positives, *negatives]))


def _present_images(dataset: CocoDataset, folder: Path, skip_missing: bool) -> tuple[list[int], int]:
    missing = find_missing(folder, dataset.images.values())
    if missing and not skip_missing:
        first = dataset.images[min(missing)]
        raise UserError(
            f"{folder / first.file_name} (image id {first.id}) does not exist; {len(missing)} of {len(dataset.images)} "
            f"images of {dataset.path} have no file. Complete the folder, or leave them out with --skip-missing-images."
        )
    return sorted(dataset.images.keys() - missing), len(missing)


def _check_split(split: _Split) -> Mapping[int, CheckedImage]:
    images = [split.dataset.images[image_id] for image_id in split.image_ids]
    return check_images(split.folder, images, f"checking {split.name} images")


def _read_samples(split: _Split, label: str) -> Iterator[tuple[DetectionSample, bytes]]:
    console = Console(stderr=True)
    for pair in track(split.pairs, label, console=console, transient=True, disable=not console.is_terminal):
        sample = split.sample(pair)
        path = split.folder / sample.image.file_name
        try:
            yield sample, path.read_bytes()
        except OSError as error:
            raise UserError(f"cannot read {path} (image id {sample.image.id}) any more: {error.strerror}") from error


def _evaluated_annotations(val: _Split) -> dict[str, Any]:
    """Return the asked images in COCO format with all their annotations of the evaluated categories, crowds too."""
    image_ids = val.image_ids
    annotations = [
        asdict(annotation) | {"iscrowd": int(annotation.iscrowd)}
        for image_id in image_ids
        for category_id in sorted(val.categories)
        for annotation in val.dataset.annotations.get((image_id, category_id), ())
    ]
    return {
        "info": {},
        "images": [asdict(val.dataset.images[image_id]) for image_id in image_ids],
        "annotations": annotations,
        "categories": [{"id": category_id, "name": name} for category_id, name in sorted(val.categories.items())],
    }


def _manifest(
    train: _Split,
    val: _Split,
    base: Sequence[str],
    novel: Sequence[str],
    options: DetectionOptions,
    checked: Mapping[str, Mapping[int, CheckedImage]],
    files: Iterable[Path],
) -> Manifest:
    shared = {image.sha256 for image in checked["train"].values()} & {image.sha256 for image in checked["val"].values()}
    return {
        "task": "detection",
        "package_version": __version__,
        "prompt_version": PROMPT_VERSION,
        "seed": options.seed,
        "shots": options.shots,
        "options": {
            "rows": options.rows,
            "negatives": options.negatives,
            "val_negatives": options.val_negatives,
            "max_val_images": options.max_val_images,
            "skip_missing_images": options.skip_missing_images,
            **asdict(options.style),
        },
        "categories": {"base": [*base], "novel": [*novel]},
        "sources": {split.name: _source(split, checked[split.name]) for split in (train, val)},
        "counts": {**{split.name: _counts(split) for split in (train, val)}, "both": {"images": len(shared)}},
        "chosen": {split.name: _chosen(split) for split in (train, val)},
        "files": {path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in files},
    }


def _source(split: _Split, checked: Mapping[int, CheckedImage]) -> dict[str, Any]:
    lines = (f"{split.dataset.images[image_id].file_name} {checked[image_id].sha256}\n" for image_id in sorted(checked))
    return {
        "annotations": split.dataset.path.name,
        "annotations_sha256": split.dataset.sha256,
        "images": len(checked),
        "image_bytes": sum(image.bytes for image in checked.values()),
        "images_sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
    }


def _counts(split: _Split) -> dict[str, Any]:
    positives = [pair for pair in split.pairs if pair in split.index.boxes]
    return {
        "rows": len(split.pairs),
        "images": len(split.image_ids),
        "negatives": len(split.pairs) - len(positives),
        "categories": len({pair.category_id for pair in positives}),
        "boxes": sum(len(split.index.boxes[pair]) for pair in positives),
        "positives_by_category": sampling.count_by_category(positives, split.categories),
        "skipped_missing_images": split.missing,
        "skipped_crowd_or_empty_pairs": len(split.index.unusable),
    }


def _chosen(split: _Split) -> dict[str, Any]:
    """Return the image ids of each category's questions, those with objects and those without."""
    chosen: dict[str, dict[str, list[int]]] = {"positives": {}, "negatives": {}}
    for pair in sorted(split.pairs):
        group = chosen["positives" if pair in split.index.boxes else "negatives"]
        group.setdefault(split.categories[pair.category_id], []).append(pair.image_id)
    return chosen
