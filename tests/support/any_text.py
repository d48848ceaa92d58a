# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Any text, and what boxes and confidences are written in answers."""

from __future__ import annotations

from hypothesis import strategies as st

from verl_visual_rft.answers import Outcome

ONE = "{'Position': [1, 2, 30, 40], 'Confidence': 0.9}"
TWO = "{'Position': [500, 600, 700, 800], 'Confidence': 0.25}"
READ = (Outcome.WELL_FORMED, Outcome.REPAIRED)
SILENT = (Outcome.WELL_FORMED, Outcome.NO_OBJECTS)

fragments = st.lists(
    st.one_of(
        st.sampled_from(
            ["<think>", "</think>", "<answer>", "</answer>", ONE, TWO, "[", "]", "{", "}", "(", ")", ",", ":", "..."]
        ),
        st.sampled_from(["'Position'", "'Confidence'", "'bbox_2d'", "NaN", "-Infinity", "1e999", "No Objects", "None"]),
        st.sampled_from(["(1,2),(3,4)", "'", '"', "\\", "\n", "rose"]),
        st.integers().map(str),
        st.floats().map(str),
        st.text(max_size=5),
    ),
    max_size=30,
).map("".join)
texts = st.one_of(st.text(), fragments, fragments.map(lambda body: f"<think> a </think> <answer>{body}</answer>"))

boxes = st.tuples(st.integers(0, 998), st.integers(0, 998), st.integers(1, 1000), st.integers(1, 1000)).map(
    lambda b: (b[0], b[1], min(1000, b[0] + b[2]), min(1000, b[1] + b[3]))
)
confidences = st.integers(0, 100).map(lambda percent: percent / 100)
