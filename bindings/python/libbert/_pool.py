# SPDX-License-Identifier: MIT
"""Sessions of one model, lent to one thread at a time.

A session of the library takes one caller at a time.  The pool makes another where all are in use,
up to a limit; beyond it callers wait.  After a fork the child goes on with the sessions that were
idle; those in which another thread was computing are forgotten there.
"""

from __future__ import annotations

import os
import threading
import weakref
from ctypes import byref, c_void_p

from ._ffi import lib
from ._structs import Error, SessionOptions
from .errors import check, closed


def cpus() -> int:
    """CPUs that this process may use."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


class _State:
    """What outlives the pool until the last session is back."""

    def __init__(self, model: int) -> None:
        self.model = model
        self.idle: list[int] = []
        self.made = 0
        self.waiting = 0
        self.closed = False
        self.condition = threading.Condition()


def _shut(state: _State) -> None:
    """Destroy what is idle; what is in use goes when it comes back."""
    with state.condition:
        state.closed = True
        state.condition.notify_all()
        model, state.model = state.model, 0
    if model:
        lib.bert_model_unref(model)
    while True:
        try:
            session = state.idle.pop()
        except IndexError:
            return
        lib.bert_session_destroy(session)


_states: weakref.WeakSet[_State] = weakref.WeakSet()


def _after_fork() -> None:
    for state in list(_states):
        state.condition = threading.Condition()
        state.made = len(state.idle)
        state.waiting = 0


os.register_at_fork(after_in_child=_after_fork)


class Pool:
    """Up to `limit` sessions of a model; 0: as many as there are CPUs."""

    def __init__(self, model: int, options: SessionOptions, limit: int = 0) -> None:
        self._options = options
        self._limit = limit or cpus()
        self._state = _State(lib.bert_model_ref(model))
        _states.add(self._state)
        self._finalizer = weakref.finalize(self, _shut, self._state)

    def acquire(self) -> int:
        """A session for this thread alone, until release()."""
        state = self._state
        try:
            session = state.idle.pop()  # atomic
        except IndexError:
            return self._wait()
        if state.closed:
            state.idle.append(session)
            _shut(state)
            raise closed("model")
        return session

    def _wait(self) -> int:
        state = self._state
        with state.condition:
            state.waiting += 1  # before looking: who gives one back after that will notify
            try:
                while True:
                    if state.closed:
                        raise closed("model")
                    if state.idle:
                        try:
                            return state.idle.pop()
                        except IndexError:
                            continue
                    if state.made < self._limit:
                        state.made += 1
                        break
                    state.condition.wait()
            finally:
                state.waiting -= 1
        return self._make()

    def _make(self) -> int:
        state = self._state
        out, error = c_void_p(), Error()
        model = 0
        try:
            model = self.model()
            check(
                lib.bert_session_create(byref(out), model, byref(self._options), byref(error)),
                error,
            )
        except BaseException:
            with state.condition:
                state.made -= 1
                state.condition.notify()
            raise
        finally:
            lib.bert_model_unref(model)
        assert out.value is not None
        return out.value

    def model(self) -> int:
        """The model, with a reference of the caller's."""
        with self._state.condition:
            if self._state.closed:
                raise closed("model")
            return int(lib.bert_model_ref(self._state.model))

    def release(self, session: int) -> None:
        """Give a session back."""
        state = self._state
        state.idle.append(session)
        if state.waiting:
            with state.condition:
                state.condition.notify()
        if state.closed:
            _shut(state)

    def close(self) -> None:
        """Destroy the idle sessions now and the others as they come back."""
        self._finalizer()

    @property
    def sessions(self) -> int:
        """Sessions that were made."""
        return self._state.made
