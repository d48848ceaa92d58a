# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How pages are made: of a package's templates, what a model or a file wrote escaped, nothing missing unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verl_visual_rft.errors import UserError

if TYPE_CHECKING:
    from jinja2 import Environment


def templates_of(package: str) -> Environment:
    """Return the environment of a package's folder ``templates``.

    Raises:
        UserError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise UserError("a page needs jinja2: pip install 'verl-visual-rft[eval]'") from None
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
