# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pyarrow.parquet as pq

from verl_visual_rft.answers import Outcome
from verl_visual_rft.coordinates import to_thousandths
from verl_visual_rft.miniature.conventions import P_PIXELS, P_THINKING, PHASES, corpus, write_corpus
from verl_visual_rft.tasks.detection import parse_detection

COUNT = 2000


def share(flags):
    flags = list(flags)
    return sum(flags) / len(flags)


def test_the_noisy_phase_mixes_conventions_in_the_declared_shares():
    phase = PHASES["noisy"]
    samples = list(corpus(COUNT, 0, phase))
    assert len(samples) == COUNT
    present = [s for s in samples if s[1] in s[0].categories]
    absent = [s for s in samples if s[1] not in s[0].categories]
    assert abs(share("<think>" in answer for _, _, answer in samples) - P_THINKING) < 0.05
    assert abs(len(absent) / COUNT - phase.p_absent) < 0.05
    assert abs(share("No Objects" in answer for _, _, answer in present) - phase.p_denied) < 0.05
    assert abs(share("No Objects" not in answer for _, _, answer in absent) - phase.p_invented) < 0.06


def test_boxes_are_those_of_the_asked_category_in_one_of_two_conventions():
    in_pixels = []
    for scene, category, answer in corpus(COUNT, 1, PHASES["simple"]):
        assert scene.categories == (category,)
        parsed = parse_detection(answer)
        assert parsed.outcome is Outcome.WELL_FORMED
        boxes = [tuple(map(int, detection.box)) for detection in parsed.detections]
        in_pixels.append(boxes == list(scene.boxes))
        assert in_pixels[-1] or boxes == [to_thousandths(box, scene.image.size) for box in scene.boxes]
    assert abs(share(in_pixels) - P_PIXELS) < 0.05


def test_the_corpus_is_a_parquet_that_the_sft_trainer_reads(tmp_path):
    write_corpus(tmp_path / "corpus.parquet", 10, 0, PHASES["noisy"])
    row = pq.read_table(tmp_path / "corpus.parquet").to_pylist()[0]
    assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"]
    assert row["messages"][0]["content"].count("<image>") == len(row["images"]) == 1
    assert row["images"][0]["bytes"].startswith(b"\x89PNG")
