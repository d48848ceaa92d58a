# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Chat templates that never end, or take all memory."""

import shutil
from pathlib import Path

import pytest

from verl_visual_rft import chat_templates
from verl_visual_rft.chat_templates import try_template
from verl_visual_rft.datasets.tokens import TextTokens
from verl_visual_rft.errors import UserError
from verl_visual_rft.miniature.pretraining import TINY_MODEL

LOOP = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
DOUBLE = "{% set n = namespace(t='x' * 1000000) %}{% for i in range(20) %}{% set n.t = n.t ~ n.t %}{% endfor %}"
LONG = "{{ 'x' * 9999999999 }}"
RECURSIVE = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        shutil.copy(Path(TINY_MODEL) / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (LOOP, "takes more than 1 s"),
        (DOUBLE, "takes more than 1 (GiB of memory|s)"),
        (LONG, "takes more than 1 GiB of memory"),
        (RECURSIVE, "failed: maximum recursion depth exceeded"),
        ("{{ messages.nothing.here }}", "failed: "),
        ("no picture", "shows no picture"),
    ],
)
def test_a_hostile_template_is_one_line(
    template: str, message: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setattr(chat_templates, "SECONDS", 1)
    (model / "chat_template.jinja").write_text(template)
    with pytest.raises(UserError, match=f"the chat template in {model} .*{message}"):
        TextTokens(model)


def test_what_the_trial_does_stays_in_the_copy() -> None:
    done: list[int] = []
    try_template(lambda: done.append(1), "model")
    assert done == []
