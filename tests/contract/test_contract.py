# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import pytest

from verl_visual_rft.contract import Symbol, compare, known_versions, load, record
from verl_visual_rft.contract.contract import HOWS
from verl_visual_rft.contract.source import fingerprint, installed
from verl_visual_rft.doctor.finding import Status
from verl_visual_rft.doctor.versions import check_upstream

PACKAGE = '''"""A module."""
from elsewhere import first as second, third

LIMIT = 3


def plain(a, b=1):
    """Say something."""
    # a comment
    return [a, b]


try:
    import missing
except ImportError:
    def fallback():
        return None


class Outer:
    """A class."""

    limit = 1

    def __init__(self):
        self._state = {}

    def method(self):
        return plain(1)


def make():
    class Inner:
        def method(self):
            return 2

    return Inner
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write an importable package ``shifting`` of one module; return a function that writes it anew."""
    folder = tmp_path / "shifting"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    versions = iter(range(9))

    def write(*changes):
        text = PACKAGE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        name = f"module{next(versions)}"  # sources are parsed once
        (folder / f"{name}.py").write_text(text)
        return f"shifting.{name}"

    return write


SYMBOLS = [
    "plain",
    "fallback",
    "LIMIT",
    "second",
    "Outer",
    "Outer.limit",
    "Outer.method",
    "Outer._state",
    "make.Inner.method",
]


@pytest.mark.parametrize("name", SYMBOLS)
def test_comments_docstrings_and_layout_are_no_difference(package, name):
    same = package(
        ("    # a comment\n", "\n\n"),
        ('    """Say something."""\n', ""),
        ('"""A class."""', '"""Another text."""'),
        ("return [a, b]", "return [\n        a,\n        b,\n    ]"),
    )
    assert fingerprint(f"{package()}:{name}") == fingerprint(f"{same}:{name}") is not None


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("b=1", "b=2"), {"plain"}),
        (("LIMIT = 3", "LIMIT = 4"), {"LIMIT"}),
        (("first as second", "fourth as second"), {"second"}),
        (("return None", "return 0"), {"fallback"}),
        (("plain(1)", "plain(2)"), {"Outer", "Outer.method"}),
        (("self._state = {}", "self._state = []"), {"Outer", "Outer._state"}),
        (("return 2", "return 3"), {"make.Inner.method"}),
        (("limit = 1", "limit = '1'"), {"Outer", "Outer.limit"}),
    ],
)
def test_what_changes_is_seen_where_it_is_and_nowhere_else(package, change, names):
    before, after = package(), package(change)
    assert {n for n in SYMBOLS if fingerprint(f"{before}:{n}") != fingerprint(f"{after}:{n}")} == names


@pytest.mark.parametrize("symbol", ["shifting.gone:f", "no_such_package:f", "shifting:f", "shifting.{}:Outer.gone"])
def test_what_is_not_there_has_no_fingerprint(package, symbol):
    assert fingerprint(symbol.format(package().rpartition(".")[2])) is None


def symbol(name, **seen):
    return Symbol(
        name, {"training.trainer:f": "patched"}, {digest: tuple(versions) for digest, versions in seen.items()}
    )


def test_differences_name_the_symbol_the_versions_and_our_place():
    as_known = symbol("wrapt.patches:wrap_object", **{fingerprint("wrapt.patches:wrap_object"): ["wrapt 9"]})
    another = symbol("wrapt.patches:wrap_object", d=["wrapt 1"], e=["wrapt 2"])
    gone = symbol("wrapt.patches:wrap_nothing", d=["wrapt 1"])
    absent = symbol("no_such_package:f", d=["no_such_package 1"])
    first, second = compare([as_known, another, gone, absent])
    here = installed("wrapt")
    assert str(first) == (
        f"wrapt.patches:wrap_object is another in {here} than in wrapt 1, wrapt 2: patched by training.trainer:f"
    )
    assert str(second) == (
        f"wrapt.patches:wrap_nothing is gone from {here}, and was in wrapt 1: patched by training.trainer:f"
    )


def test_what_is_recorded_is_known_beside_what_was(tmp_path):
    another = symbol("wrapt.patches:wrap_object", d=["wrapt 1"])
    gone = symbol("wrapt.patches:wrap_nothing", d=["wrapt 1"])
    file = tmp_path / "contract.yaml"
    record([another, gone], file)
    read = {symbol.name: symbol for symbol in load(file)}
    assert set(read[another.name].versions) == {"wrapt 1", installed("wrapt")}
    assert read[gone.name] == gone
    assert [difference.gone for difference in compare(list(read.values()))] == [True]


def test_a_symbol_that_some_versions_lack_is_no_difference_there(tmp_path):
    newer = symbol("wrapt.patches:wrap_something", d=["wrapt 99"], absent=["wrapt 1"])
    assert newer.versions == ("wrapt 99",)
    assert [difference.gone for difference in compare([newer])] == [True]  # it may have been removed since
    record([newer], tmp_path / "contract.yaml")
    (read,) = load(tmp_path / "contract.yaml")
    assert read.seen == {"d": ("wrapt 99",), "absent": tuple(sorted(["wrapt 1", installed("wrapt")]))}
    assert compare([read]) == []


def test_the_contract_is_in_order():
    symbols = load()
    assert {how for symbol in symbols for how in symbol.by.values()} <= set(HOWS)
    assert all(symbol.seen for symbol in symbols)
    assert "verl 0.9.1" in known_versions(symbols)


def test_what_is_installed_here_is_as_somebody_has_looked_at_it():
    assert [str(difference) for difference in compare(load())] == []


def test_the_doctor_says_what_is_different(monkeypatch):
    assert check_upstream("cpu").status is Status.OK
    changed = symbol("wrapt.patches:wrap_object", d=["wrapt 1"])
    monkeypatch.setattr("verl_visual_rft.doctor.versions.load", lambda: [changed])
    found = check_upstream("cpu")
    assert found.status is Status.WARNING and "wrapt.patches:wrap_object is another" in found.detail
    monkeypatch.setattr("verl_visual_rft.doctor.versions.load", lambda: [symbol("wrapt.patches:gone", d=["wrapt 1"])])
    assert check_upstream("cpu").status is Status.FAIL


def test_it_needs_nothing_of_what_it_looks_at():
    code = (
        "import sys; from verl_visual_rft.contract import compare, load; compare(load());"
        "print(sorted({'verl', 'vllm', 'ray', 'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
