# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Packages are really laid out on the path and found by importlib.metadata: nothing is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from ours import OUR_TASKS

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, registry, reward_names, score
from verl_visual_rft.rewards.brought import RobustReward

CONSTANT_REWARD = """
class Constant:
    range = (0.0, 1.0)

    def __init__(self, value=0.5):
        self.value = value

    def detection(self, answer, truth):
        return {"score": self.value}

def function():
    return 0.5

instance = Constant()
lacking = object()
"""


pytestmark = pytest.mark.usefixtures("fresh_registry")


def install(folder: Path, package: str, entry_points: dict[str, str]) -> None:
    metadata = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"[{registry.GROUP}]", *(f"{name} = {value}" for name, value in entry_points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("target", ["Constant", "instance", "function"])
def test_a_class_an_object_or_a_function_of_another_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    (tmp_path / "constant_reward.py").write_text(CONSTANT_REWARD, encoding="utf-8")
    install(tmp_path, "constant-reward", {"constant": f"constant_reward:{target}"})
    monkeypatch.syspath_prepend(tmp_path)
    assert "constant" in reward_names()
    assert score("detection", "anything", {"boxes": []}, "constant")["score"] == 0.5


def test_naming_does_not_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_reward.py").write_text("raise RuntimeError('no licence')", encoding="utf-8")
    install(tmp_path, "broken", {"broken": "broken_reward:Reward"})
    monkeypatch.syspath_prepend(tmp_path)
    assert "broken" in reward_names()
    assert load_reward("robust").summary == (RobustReward.__doc__ or "").split("\n")[0]
    with pytest.raises(UserError, match=r"'broken' \(broken_reward:Reward of package broken\) .* no licence"):
        load_reward("broken")


def test_what_is_no_reward_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lacking_reward.py").write_text(CONSTANT_REWARD, encoding="utf-8")
    install(tmp_path, "lacking", {"lacking": "lacking_reward:lacking"})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="is no reward: it is neither a function nor has it"):
        load_reward("lacking")


@pytest.mark.parametrize(
    ("claims", "named"),
    [({"first-pack": "mine", "second-pack": "mine"}, ["first-pack", "second-pack"]),
     ({"first-pack": "paper"}, ["verl-visual-rft", "first-pack"]),
     ({"first-pack": "iou"}, ["verl-visual-rft", "first-pack"])],
)  # fmt: skip
def test_a_clash_is_an_error_that_names_both_packages_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claims: dict[str, str], named: list[str]
) -> None:
    for package, name in claims.items():
        install(tmp_path, package, {name: "somewhere:Reward"})
    monkeypatch.syspath_prepend(tmp_path)
    claimed = next(iter(claims.values()))
    for asked in (claimed, {claimed: 1.0}):
        with pytest.raises(UserError, match=f"more than one package names a reward '{claimed}'") as caught:
            load_reward(asked)
        assert all(package in str(caught.value) for package in named)
    assert sorted(registry.reward_packages(claimed)) == sorted(named)
    assert load_reward("robust").name == "robust"
    assert load_reward("giou=1,format=0.5").scorers


def test_what_cannot_be_used_is_told_and_the_others_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leaving_reward.py").write_text("raise SystemExit('no licence')", encoding="utf-8")
    install(tmp_path, "first-pack", {"mine": "somewhere:Reward", "format": "somewhere:Reward"})
    install(tmp_path, "second-pack", {"mine": "somewhere:Reward", "leaving": "leaving_reward:Reward"})
    install(tmp_path, "third-pack", {"left": "somewhere:Reward"})
    (tmp_path / "third_pack-1.0.dist-info" / "METADATA").unlink()
    monkeypatch.syspath_prepend(tmp_path)
    unusable = registry.unusable_rewards()
    assert {name: why.split(":")[0] for name, why in unusable.items()} == {
        "format": "more than one package names a reward 'format'",
        "leaving": "reward 'leaving' (leaving_reward",
        "left": "reward 'left' (somewhere",
        "mine": "more than one package names a reward 'mine'",
    }
    assert "no licence" in unusable["leaving"] and "of package unknown" in unusable["left"]


@pytest.mark.parametrize("package", ["verl-visual-rft", "verl_visual_rft"])
def test_our_own_metadata_is_no_clash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    install(tmp_path, package, {"robust": "verl_visual_rft.rewards.brought:RobustReward"})
    monkeypatch.syspath_prepend(tmp_path)
    assert load_reward("robust").summary == (RobustReward.__doc__ or "").split("\n")[0]


def test_options_go_to_the_class_and_to_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "constant_reward.py").write_text(CONSTANT_REWARD, encoding="utf-8")
    targets = {"constant": "constant_reward:Constant", "plain": "constant_reward:function"}
    install(tmp_path, "constant-reward", targets)
    monkeypatch.syspath_prepend(tmp_path)
    composed = load_reward({"constant": {"weight": 2, "value": 0.25}, "plain": 0})
    assert score("detection", "", {"boxes": []}, composed)["score"] == 0.5
    assert composed.trusted is False
    for name, fault in (("constant", "unexpected keyword argument 'colour'"), ("plain", "takes no options")):
        with pytest.raises(UserError, match=fault):
            load_reward({name: {"weight": 1, "colour": "red"}})


def test_ours_are_trusted_but_for_the_one_that_may_take_its_time() -> None:
    guarded = {name: load_reward(name).guarded.intersection(OUR_TASKS) for name in ("paper", "robust", "reference")}
    assert not guarded["paper"] and not guarded["robust"] and guarded["reference"]


def test_loaded_once() -> None:
    assert load_reward("robust") is load_reward("robust")
