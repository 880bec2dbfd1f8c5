# SPDX-License-Identifier: MIT
"""What the methods of models and sessions stand on."""

from __future__ import annotations

from ctypes import byref, c_void_p
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from . import results as r
from ._structs import Error
from .errors import fail

if TYPE_CHECKING:
    from ._pool import Pool

T = TypeVar("T")

# Texts of one call of the library: between two of them Ctrl-C is seen.
SLICE = 4096


class Computes:
    """Has sessions to compute in."""

    def _pool(self) -> Pool:
        raise NotImplementedError

    def _result(
        self,
        call: Callable[[int, Any, Any], int],
        free: Callable[[Any], None],
        read: Callable[[int], T],
        shift: int = 0,
    ) -> T:
        """One call that gives an opaque result: call(session, out, error), then read(address)."""
        out, error = c_void_p(), Error()
        pool = self._pool()
        session = pool.acquire()
        try:
            code = call(session, byref(out), byref(error))
        finally:
            pool.release(session)
        if code:
            fail(code, error, shift)
        try:
            return read(out.value or 0)
        finally:
            free(out)

    def _results(
        self,
        n: int,
        call: Callable[[int, int, int, Any, Any], int],
        free: Callable[[Any], None],
        read: Callable[[int, int], r.Results[Any]],
    ) -> r.Results[Any]:
        """Records of n texts, in slices: call(session, first, count, out, error), then
        read(address, first)."""
        whole: r.Results[Any] | None = None
        for first in range(0, max(n, 1), SLICE):
            count = min(SLICE, n - first)

            def part_call(
                session: int, out: Any, error: Any, first: int = first, count: int = count
            ) -> int:
                return call(session, first, count, out, error)

            def part_read(address: int, first: int = first) -> r.Results[Any]:
                return read(address, first)

            part = self._result(part_call, free, part_read, first)
            whole = part if whole is None else r.joined(whole, part)
        assert whole is not None
        return whole
