# SPDX-License-Identifier: MIT
"""The end of what the library gave."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:  # no package of a user's
    from typing_extensions import Self

Closes = TypeVar("Closes", bound="Closing")


class Closing:
    """Works in `with`, which closes it."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def free_with(owner: Any, free: Callable[..., Any], *arguments: Any) -> weakref.finalize[..., Any]:
    """Call free(*arguments) when the owner goes, but not at the end of the program.

    Threads may be in a call with it then, and the process takes all of it along.
    """
    finalizer = weakref.finalize(owner, free, *arguments)
    finalizer.atexit = False
    return finalizer
