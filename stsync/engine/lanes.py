"""Parts of a run side by side, and one posting at a time.

Business Central serves five requests of one user at once (facts section 11), but posts one document at a time in a company
(facts section 13): so one lane posts while the others prepare what it is to post next. With a single lane nothing runs
side by side, and everything happens in the order in which it was begun.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")
# A long backlog begins with parts this small: the posting lane has work after seconds, not after a whole part's drafts.
_FIRST_PART = 4


def parts(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """So many rows at a time, in their order; of many, the first parts are smaller and double up to that size."""
    begin, step = 0, size if len(rows) <= 2 * size else _FIRST_PART
    while begin < len(rows):
        yield rows[begin : begin + step]
        begin, step = begin + step, min(2 * step, size)


class Task:
    """One part of the work, to be done once everything it comes after is done."""

    def __init__(self, work: Callable[[], None], after: Sequence[Task]) -> None:
        self.work = work
        self.after = after
        self.is_done = False

    @property
    def is_ready(self) -> bool:
        """Whether nothing has to be waited for any more."""
        return all(one.is_done for one in self.after)


class _GivenUp(BaseException):
    """Another lane met an end of the run; what is at work leaves at the next posting."""


class Lanes:
    """So many threads that do the parts of a run; leaving the context waits for all of them.

    The first error of any part ends the run: nothing more is begun or posted, what is under way comes to its own end, and
    the error is raised by whoever waits. A second Ctrl-C does not wait for what is under way: whatever was sent stays
    intended in the ledger, as after a kill. `stopping` is called after the first one, where something is under way.
    """

    def __init__(self, count: int, *, stopping: Callable[[], None] = lambda: None) -> None:
        self._count = count
        self._stopping = stopping
        self._posting = threading.RLock()
        self._next_to_post = threading.Lock()
        self._changed = threading.Condition()
        self._waiting: list[Task] = []
        self._at_work = 0
        self._ending = False
        self._error: BaseException | None = None
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None:
            self._end(error)
        try:
            self._until_idle()
        except KeyboardInterrupt as pressed:
            if isinstance(error, KeyboardInterrupt):
                raise
            self._end(pressed)
            self._until_idle()
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        if error is None:
            self._raise()

    def begin(self, work: Callable[[], None], *, after: Iterable[Task] = ()) -> Task:
        """Do this as soon as a lane is free and everything in `after` is done; earlier parts go first.

        Raises the error of a part that failed before.
        """
        task = Task(work, [one for one in after if not one.is_done])
        if self._count == 1:
            work()
            task.is_done = True
            return task
        with self._changed:
            self._raise()
            self._waiting.append(task)
            self._changed.notify_all()
        if len(self._threads) < self._count:
            self._hire()
        return task

    def wait(self, tasks: Iterable[Task]) -> None:
        """Until these are done. Raises the error of any part that failed meanwhile."""
        wanted = list(tasks)
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or all(one.is_done for one in wanted))
        self._raise()

    @contextmanager
    def posting(self, look_again: Callable[[], None] = lambda: None) -> Iterator[bool]:
        """The one posting lane: inside, nobody else posts; whether it had to be waited for.

        Who had to wait looks again as soon as nobody else comes before him: while the last one posts, so that the lane
        is not idle meanwhile. It is not entered any more once the run has to end.
        """
        waited = self._take_posting(look_again)
        try:
            if self._error is not None:
                raise _GivenUp
            yield waited
        finally:
            self._posting.release()

    def _take_posting(self, look_again: Callable[[], None]) -> bool:
        if self._posting.acquire(blocking=False):
            return False
        with self._next_to_post:
            if self._error is None:
                look_again()
            self._posting.acquire()
        return True

    def _end(self, error: BaseException) -> None:
        self._give_up(error)
        if isinstance(error, KeyboardInterrupt) and not self._is_idle():
            self._stopping()

    def _until_idle(self) -> None:
        with self._changed:
            self._changed.wait_for(self._is_idle)

    def _hire(self) -> None:
        # A daemon: a request can hang for minutes, and a person who presses Ctrl-C twice must not wait for it.
        thread = threading.Thread(target=self._work, name=f"lane-{len(self._threads) + 1}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                task.work()
            except BaseException as error:
                self._give_up(error)
            self._leave(task)

    def _next(self) -> Task | None:
        with self._changed:
            self._changed.wait_for(lambda: self._ending or self._first_ready() is not None)
            task = self._first_ready()
            if task is not None:
                self._waiting.remove(task)
                self._at_work += 1
            return task

    def _first_ready(self) -> Task | None:
        if self._error is not None:
            return None
        return next((one for one in self._waiting if one.is_ready), None)

    def _leave(self, task: Task) -> None:
        with self._changed:
            task.is_done = True
            task.after = ()
            self._at_work -= 1
            self._changed.notify_all()

    def _give_up(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._waiting.clear()
            self._changed.notify_all()

    def _is_idle(self) -> bool:
        return not self._waiting and not self._at_work

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
