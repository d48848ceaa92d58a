# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The prompt of classification, word for word where the paper or its data print it, and answers in its form."""

from __future__ import annotations

from verl_visual_rft.prompts import form_request, tagged

_QUESTION = "This is an image containing {container}. Please identify {asked} based on the image.\n"

_STUB = "I look at {asked} in the image and compare it with those that I know; {name} fits best."


def classification_prompt(container: str, asked: str, think: bool = True) -> str:
    """Return the user text of a classification question.

    With ``think`` it is the prompt of the published classification data (paper, Table 1). The model is not told the
    class names, and the answer is a "species name" for every data set, cars too.

    Args:
        container: What the picture shows, "a plant".
        asked: What is asked for, "the species of the plant".
        think: Whether to ask for a thinking process.

    Example:
        >>> classification_prompt("a pet", "the species of the pet").splitlines()[0]
        'This is an image containing a pet. Please identify the species of the pet based on the image.'
    """
    return _QUESTION.format(container=container, asked=asked) + form_request("species name", think, space="")


def classification_answer(name: str, thinking: str | None = None) -> str:
    """Write a class name in the form that `classification_prompt` asks for.

    Example:
        >>> classification_answer("hot dog")
        '<answer>hot dog</answer>'
    """
    return tagged(name, thinking)


def classification_stub(asked: str, name: str) -> str:
    """Return a short, true thinking process of a classification target.

    Example:
        >>> classification_stub("the species of the pet", "pug")
        'I look at the species of the pet in the image and compare it with those that I know; pug fits best.'
    """
    return _STUB.format(asked=asked, name=name)
