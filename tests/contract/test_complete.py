# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The contract names everything that this package patches, overrides, registers with, calls privately or describes."""

import ast
import importlib
import pkgutil
import re
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import verl_visual_rft
from verl_visual_rft.contract import Symbol, load
from verl_visual_rft.contract.source import installed, module_file

ROOT = Path(verl_visual_rft.__file__).parent
UPSTREAM = ("verl", "vllm", "ray", "transformers", "transfer_queue", "hydra")
CONTRACT = {symbol.name: symbol for symbol in load()}
DEF = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def modules() -> dict[str, ast.Module]:
    """Our modules by their names below the package."""
    files = sorted(ROOT.rglob("*.py"))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts): ast.parse(file.read_text()) for file in files}


def places(symbol: Symbol, how: str) -> list[str]:
    """Our places that do this with a symbol."""
    return [place for place, done in symbol.by.items() if done == how]


def last_name(symbol: Symbol) -> str:
    return re.split("[:.]", symbol.name)[-1]


def inside(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """All nodes, each with the function or class at the module's level that it is in."""
    for statement in tree.body:
        name = getattr(statement, "name", "")
        yield from ((name, node) for node in ast.walk(statement))


def patches(module: str) -> Iterator[tuple[str, str]]:
    """Place and name of what is set on something else than ``self``: by setattr, by wrapt, by name, as an item."""
    tree = modules()[module]
    local = {node.name for node in ast.walk(tree) if isinstance(node, DEF)}
    for place, node in inside(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("setattr", "wrap_function_wrapper", "wrap_object", "patch_function_wrapper"):
                name = node.args[1]
                if isinstance(name, ast.Constant):
                    yield f"{module}:{place}", str(name.value).rpartition(".")[2]
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            target = node.targets[0]
            ours = isinstance(target.value, ast.Name) and target.value.id in ("self", "cls")
            if not ours and isinstance(node.value, ast.Name) and node.value.id in local:
                yield f"{module}:{place}", target.attr
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            changed = node.targets[0].value
            if isinstance(changed, ast.Call) and getattr(changed.func, "id", "") == "getattr":
                yield f"{module}:{place}", changed.args[1].value


#: Of torch, wrapt and OmegaConf, in their documented interfaces.
PUBLIC = ("register_forward_hook", "register_post_import_hook", "register_new_resolver", "register_at_fork")


def registrations(module: str) -> Iterator[tuple[str, str]]:
    """Place and name of functions called ``register...`` that are neither ours nor promised to stay."""
    for place, node in inside(modules()[module]):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called.startswith("register") and called not in PUBLIC and ast.unparse(node.func) != "atexit.register":
                if isinstance(node.func, ast.Attribute) or called == "register" or called not in our_names():
                    yield f"{module}:{place}", called


#: Operators of torch have no source; what they compute is tested in tests/training/cpu/test_linear.py.
OPERATORS = {"_linear_pointwise", "_unsafe_view"}


def private_names(module: str) -> Iterator[tuple[str, str]]:
    """Place and private name of what no class or module of ours defines."""
    for place, node in inside(modules()[module]):
        name = ""
        if isinstance(node, ast.Attribute):
            name = node.attr
        elif isinstance(node, ast.alias):
            name = node.name.rpartition(".")[2]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr":
            name = node.args[1].value if isinstance(node.args[1], ast.Constant) else ""
        dunder = name.startswith("__") and not name.startswith("__ray")
        if (
            name.startswith("_")
            and not dunder
            and name not in our_names() | OPERATORS | {"_asdict", "_replace", "_exit"}
        ):
            yield f"{module}:{place}", name


@cache
def our_names() -> frozenset[str]:
    names: set[str] = set()
    for tree in modules().values():
        for node in ast.walk(tree):
            if isinstance(node, (*DEF, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names |= {node.attr} if isinstance(node.value, ast.Name) and node.value.id == "self" else set()
    return frozenset(names)


FOUND = {"patched": patches, "registered": registrations, "called": private_names}


@pytest.mark.parametrize("how", FOUND)
def test_what_is_patched_registered_with_or_called_although_private_is_in_the_contract_and_no_more(how):
    found = {occurrence for module in modules() for occurrence in FOUND[how](module)}
    assert len(found) >= 5
    assert found == {(place, last_name(symbol)) for symbol in CONTRACT.values() for place in places(symbol, how)}


#: What the texts are about: lines are those of these versions.
SPOKEN_OF = ["verl 0.9.1", "vllm 0.27.1", "transfer_queue 0.1.11"]


def cited() -> Iterator[tuple[str, str]]:
    """Places of the upstream in our texts, ``trainer_base.py:205`` say, by module."""
    for module in modules():
        if module.split(".")[0] in ("training", "launching", "planning", "plugin"):
            file = ROOT.joinpath(*module.split(".")).with_suffix(".py")
            for path, line in re.findall(r"``([\w/]+\.py):(\d+(?:,\d+)*)", file.read_text()):
                yield from ((module, f"{path}:{number}") for number in line.split(","))
            yield from ((module, f"{path}:{n}") for path, n in re.findall(r"\(([\w/]+\.py):(\d+)", file.read_text()))


def symbol_at(file: Path, line: int) -> str:
    """The function or class that a line lies in, ``Class.method`` say; "" at a module's level."""
    names: list[str] = []
    node: ast.AST = ast.parse(file.read_text())
    while not isinstance(node, DEF):
        inner = [n for n in ast.walk(node) if n is not node and isinstance(n, (*DEF, ast.ClassDef))]
        around = [n for n in inner if n.lineno <= line <= (n.end_lineno or 0)]
        if not around:
            break
        node = max(around, key=lambda n: (n.end_lineno or 0) - n.lineno)
        names.append(node.name)
    return ".".join(names)


def symbol_of(place: str) -> str:
    path, _, line = place.partition(":")
    found = [(name, file) for name, file in upstream_files().items() if f"/{file}".endswith(f"/{path}")]
    assert len(found) == 1, f"{place}: say more, or less, of the path: {found}"
    (name, file) = found[0]
    return f"{name}:{symbol_at(file, int(line))}"


def test_what_our_texts_say_of_the_upstream_is_in_the_contract_and_there():
    here = [installed(package) for package in ("verl", "vllm", "transfer_queue")]
    if here != SPOKEN_OF:
        pytest.skip(f"the texts give lines of {SPOKEN_OF}")
    said = {(module, symbol_of(place)) for module, place in cited()}
    assert len(said) > 40
    relied_on = {(place.partition(":")[0], name) for name, symbol in CONTRACT.items() for place in symbol.by}
    assert said - relied_on == set()
    described = {(place, name) for name, symbol in CONTRACT.items() for place in places(symbol, "described")}
    assert described - said == set()


@cache
def upstream_files() -> dict[str, Path]:
    """Files of the packages that our texts speak of, by their modules' names."""
    tops = [file.parent for package in ("verl", "vllm", "transfer_queue") if (file := module_file(package))]
    files = [(top, file) for top in tops for file in top.rglob("*.py")]
    names = (".".join(file.relative_to(top.parent).with_suffix("").parts) for top, file in files)
    return {name.removesuffix(".__init__"): file for name, (_, file) in zip(names, files, strict=True)}


def overriding() -> Iterator[tuple[str, str]]:
    """Overridden methods, and ours; of all classes that exist once all modules are imported."""
    for name in ("verl.trainer.ppo.v1.trainer_sync", "verl.workers.engine", "verl.plugin.platform"):
        importlib.import_module(name)
    for module in pkgutil.walk_packages(verl_visual_rft.__path__, "verl_visual_rft."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for cls in subclasses(object):
        for position, part in enumerate(cls.__mro__):
            for name, value in vars(part).items() if is_ours(part) else ():
                if not written_here(value):
                    continue
                for parent in cls.__mro__[position + 1 :]:
                    if str(parent.__module__).split(".")[0] in UPSTREAM and name in vars(parent):
                        ours = f"{part.__module__}:{part.__qualname__}.{name}".removeprefix("verl_visual_rft.")
                        yield f"{parent.__module__}:{parent.__qualname__}.{name}", ours.replace(".<locals>", "")
                        break


def subclasses(cls: type) -> set[type]:
    found: set[type] = set()
    waiting = [cls]
    while waiting:
        new = set(type.__subclasses__(waiting.pop())) - found
        found |= new
        waiting += new
    return {cls for cls in found if is_ours(cls)}


def is_ours(cls: type) -> bool:
    return str(cls.__module__).startswith("verl_visual_rft.")


def written_here(value: object) -> bool:
    """Whether a member of a class is a method of ours, not one that dataclass made."""
    for wrapper in ("__func__", "fget", "func"):
        value = getattr(value, wrapper, None) or value
    return isinstance(value, types.FunctionType) and Path(value.__code__.co_filename).is_relative_to(ROOT)


def test_every_overriding_method_is_in_the_contract_and_exists_in_its_parent():
    pytest.importorskip("verl")
    found = set(overriding())
    assert len(found) > 50
    assert found == {(name, place) for name, symbol in CONTRACT.items() for place in places(symbol, "overridden")}
