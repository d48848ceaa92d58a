# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.answers.tags import MAX_LENGTH, split_tags, unfence

NOT_CLOSED = "the answer tag is not closed"
OPEN_THINKING = "the think tag is not closed"
OTHER_CASE = "answer tags that are not in lower case"


@pytest.mark.parametrize(
    ("response", "thinking", "answer", "fault"),
    [
        pytest.param("<think>a</think> <answer>b</answer>", "a", "b", "", id="as asked"),
        pytest.param("<think>a\nb</think>\n<answer>\nc\n</answer>", "a\nb", "\nc\n", "", id="line breaks"),
        pytest.param("<answer>b</answer>", "", "b", "", id="no reasoning"),
        pytest.param("<answer></answer>", "", "", "", id="empty answer"),
        pytest.param("a</think><answer>b</answer>", "a", "b", "", id="think tag in the prompt"),
        pytest.param("<think>a</think><answer>b", "a", "b", NOT_CLOSED, id="answer not closed"),
        pytest.param("<think>a</think><answer>b\\end{answer>", "a", "b\\end{answer>", NOT_CLOSED, id="other end"),
        pytest.param("<answer>b<think>c", "", "b", NOT_CLOSED, id="reasoning begins in the answer"),
        pytest.param("<think>a <answer>b</answer>", "", "b", OPEN_THINKING, id="reasoning not closed"),
        pytest.param("<think>a <answer>b", "", "b", NOT_CLOSED, id="neither closed"),
        pytest.param("<answer>b</answer><think>c", "", "b", "", id="reasoning begun after the answer"),
        pytest.param("<answer>b</answer><think>c</think>", "c", "b", "", id="answer first"),
        pytest.param("<answer>a</answer><answer>b</answer>", "", "b", "", id="last answer counts"),
        pytest.param("<answer>a</answer><answer>b", "", "b", NOT_CLOSED, id="last answer counts, not closed"),
        pytest.param(
            "<think> ... </think> <answer>x</answer> <think>a</think> <answer>b</answer>", "a", "b", "", id="echo"
        ),
        pytest.param("<think>a</think><think>b</think><answer>c</answer>", "b", "c", "", id="two thoughts"),
        pytest.param("<think>a<think>b</think><answer>c</answer>", "ab", "c", "", id="think tag mentioned"),
        pytest.param("<think>in <answer>x</answer></think><answer>b</answer>", "in x", "b", "", id="answer mentioned"),
        pytest.param("<answer>b</answer></think>", "b", None, "", id="answer in reasoning that the prompt opened"),
        pytest.param("<think><answer>b</answer></think>", "b", None, "", id="answer in the reasoning"),
        pytest.param("<answer>a</answer><think><answer>b</answer></think>", "b", "a", "", id="answer before reasoning"),
        pytest.param("<Answer>b</ANSWER>", "", "b", OTHER_CASE, id="another case"),
        pytest.param("<THINK>a</Think> <answer>b</answer>", "a", "b", "", id="another case around thinking"),
        pytest.param("<think>a <Answer>x</Answer></think>", "a x", None, "", id="another case inside the reasoning"),
        pytest.param("<think>no <Answer></think><answer>b</answer>", "no ", "b", "", id="another case mentioned"),
        pytest.param("<answer >b</answer>", "", None, "", id="a blank in a tag"),
        pytest.param("", "", None, "", id="empty"),
    ],
)
def test_which_block_is_the_answer(response: str, thinking: str, answer: str | None, fault: str) -> None:
    tagged = split_tags(response)
    assert (tagged.thinking, tagged.answer, tagged.fault) == (thinking, answer, fault)


@pytest.mark.parametrize(
    ("response", "untagged"),
    [
        ("<think>a</think> b", " b"),
        ("b <think>a", "b "),
        ("b</answer>", "b"),
        ("<think>a", ""),
        ("<think>a</think>b<think>c</think>d", "d"),
        ("b", "b"),
        ("b<answer>c</answer>", ""),
    ],
)
def test_text_where_an_answer_without_tags_may_stand(response: str, untagged: str) -> None:
    assert split_tags(response).untagged == untagged


def test_what_is_longer_than_an_answer_can_be_is_cut() -> None:
    tagged = split_tags("<answer>" + "a" * (MAX_LENGTH + 1) + "</answer>")
    assert tagged.answer == "a" * MAX_LENGTH
    assert tagged.fault == f"the answer is longer than {MAX_LENGTH} characters"
    assert split_tags("<answer>" + "a" * MAX_LENGTH + "</answer>").fault == ""
    assert len(split_tags("a" * (MAX_LENGTH + 1)).untagged) == MAX_LENGTH


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("<think>a</think><answer>b</answer>", True),
        ("  <think>a\nb</think>\n\n<answer>b</answer>\n", True),
        ("<think></think><answer></answer>", True),
        ("<think>a</think> so <answer>b</answer>", False),
        ("<think>a</think><answer>b", False),
        ("<think>a</think><answer>b</answer>.", False),
        ("So <think>a</think><answer>b</answer>", False),
        ("</think><answer>b</answer>", False),
        ("<answer>a</think><answer>b</answer>", False),
        ("<answer>b</answer>", False),
        ("<think>a</think><Answer>b</Answer>", False),
        ("<think>a <ANSWER></think><answer>b</answer>", True),
        ("<answer>b</answer><think>a</think>", False),
        ("<think>a</think><answer></answer", False),
        ("<think></think><answer>", False),
        ("", False),
    ],
)
def test_format(response: str, expected: bool) -> None:
    assert split_tags(response).has_format is expected


tags_and_text = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "<answer>",
            "</answer>",
            "<Answer>",
            "</THINK>",
            " ",
            "\n",
            "\x1c",
            "\u2028",
            "a",
            "<",
            "No Objects",
        ]
    )
).map("".join)


@given(tags_and_text)
def test_format_is_the_full_match_of_the_papers_pattern(response: str) -> None:
    pattern = r"<think>.*?</think>\s*<answer>.*?</answer>"
    assert split_tags(response).has_format is bool(re.fullmatch(pattern, response.strip(), re.DOTALL))


@given(tags_and_text)
def test_where_no_thinking_is_asked_for_the_format_is_one_answer_block_alone(response: str) -> None:
    pattern = r"<answer>(?:(?!</?(?:think|answer)>).)*</answer>"
    assert split_tags(response, think=False).has_format is bool(re.fullmatch(pattern, response.strip(), re.DOTALL))


@given(tags_and_text)
def test_what_is_asked_for_decides_the_format_alone(response: str) -> None:
    assert split_tags(response)[1:] == split_tags(response, think=False)[1:]


@given(before=tags_and_text, inside=tags_and_text)
def test_an_answer_is_never_taken_from_closed_reasoning(before: str, inside: str) -> None:
    hidden = f"<think>{re.sub('</think>', '', inside, flags=re.IGNORECASE)}<answer>secret</answer></think>"
    assert "secret" not in (split_tags(before + hidden).answer or "")


@pytest.mark.parametrize(
    ("fenced", "inside"),
    [
        ("```\nAmerican\nBulldog\n```", "American\nBulldog"),
        ("```\npython snake\n```", "python snake"),
        ("``` python snake ```", "python snake"),
        ("```rose\n```", "rose"),
        ("```rose```", "rose"),
        ("```American Bulldog```", "American Bulldog"),
        ("```json\n[]\n```", "[]"),
        ("```JSON[]```", "[]"),
        ("```plain \r\nrose\r\n```", "rose"),
        ("```", ""),
    ],
)
def test_a_language_stands_directly_behind_the_fence(fenced: str, inside: str) -> None:
    assert unfence(fenced) == (inside, "a code fence around it")
