# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What installed packages declare as entry points, and which package an entry point is of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from verl_visual_rft.errors import UserError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

OUR_PACKAGE = "verl-visual-rft"


def package_of(entry_point: EntryPoint) -> str:
    """Return the name of a package; "unknown" of a broken installation, which has entry points and no name."""
    dist = entry_point.dist
    if dist is None or not (dist.read_text("METADATA") or dist.read_text("PKG-INFO")):
        return "unknown"
    return dist.name.replace("_", "-")


def declared(group: str, ours: Mapping[str, str]) -> dict[str, list[tuple[str, EntryPoint]]]:
    """Map each name of a group to the packages that declare it, with their entry points; nothing is imported.

    A name that two packages claim is an error when it is asked for (`sole_claim`), and no sooner: the others stay
    usable.

    Args:
        group: Of entry points.
        ours: By name, what this package declares, "module:object".
    """
    from importlib.metadata import EntryPoint, entry_points  # half of the time that importing the rewards would take

    found = {name: [(OUR_PACKAGE, EntryPoint(name, value, group))] for name, value in ours.items()}
    for entry_point in entry_points(group=group):
        package = package_of(entry_point)
        if package != OUR_PACKAGE or entry_point.name not in ours:
            found.setdefault(entry_point.name, []).append((package, entry_point))
    return found


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Make a `UserError` of whatever another package raises while something of it is loaded.

    Args:
        what: Names it, and who wants it.
    """
    try:
        yield
    except UserError:
        raise
    except BaseException as error:  # another package may raise anything
        raise UserError(f"{what} cannot be loaded: {type(error).__name__}: {error}") from error


def unusable(names: Iterable[str], load: Callable[[str], object]) -> dict[str, str]:
    """Try to load each name; return why those are unusable that cannot be."""
    why = {}
    for name in names:
        try:
            load(name)
        except UserError as error:
            why[name] = str(error)
    return why


def sole_claim(kind: str, name: str, claims: Sequence[tuple[str, EntryPoint]]) -> tuple[str, EntryPoint]:
    """Return the one package that declares a name, and its entry point.

    Args:
        kind: What is named, "task".
        name: The name.
        claims: As `declared` gives them.

    Raises:
        UserError: Several packages claim it.
    """
    if len(claims) > 1:
        packages = " and ".join(sorted(package for package, _ in claims))
        raise UserError(
            f"more than one package names a {kind} {name!r}: {packages}; rename one of them or uninstall a package"
        )
    return claims[0]
