"""Many writes in few requests: JSON `$batch` while the server takes it, single requests where it does not.

what comes back                          the writes in it
outer 2xx with JSON                      each judged by its own answer, as a single write is (http/verdicts.py)
  no answer, or two, for one of them     OutcomeUnknown for that one; no more batches in this run
outer 2xx with anything else             OutcomeUnknown for all; no more batches in this run
outer lost, cut off, 408, 5xx            OutcomeUnknown for all; the next batch is half as large
outer refused in BC's own words          nothing was carried out: the same writes go singly
outer refused in other words             OutcomeUnknown for all: a gateway may say so after it was done
inner 401, 429, bare 405, 415            not carried out: it goes singly, where the session renews and waits
inner: no such action, no such decimals  not carried out: it goes in the next form, and so do all like it in this run
inner 408, 5xx, locked                   OutcomeUnknown; the next write of its kind goes alone
anything that ends the run               the writes behind it do not leave, and share its outcome
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from http import HTTPStatus
from itertools import islice

from stsync.businesscentral import batch, writes
from stsync.businesscentral.batch_size import Sizes
from stsync.businesscentral.writes import SYSTEM, Outcome, Write, ends_the_run
from stsync.errors import CredentialsError, SystemUnavailable, UsageError
from stsync.http.answers import Answer
from stsync.http.outcomes import NotProcessed, OutcomeUnknown, Refused
from stsync.http.session import Session
from stsync.http.verdicts import ABOUT_THE_REQUEST

# A proxy in between often takes no more than 1 MB (nginx as it is delivered); Business Central takes 350 (facts 11).
MOST_BYTES = 900_000
NO_BATCHES_HERE = frozenset({400, 404, 405, 415, 501})
# As in engine/apply: so many requests in a row without a trustworthy answer are an outage.
DOUBTS_IN_A_ROW = 5

_ENDINGS = (SystemUnavailable, CredentialsError, UsageError)
_Failure = Refused | OutcomeUnknown | SystemUnavailable | CredentialsError | UsageError


class Lessons:
    """What the server was found to take, kept for the run; it only ever learns of less. Shared between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.batches = True
        self.actions = True
        self._decimals = 0

    @property
    def quoted(self) -> bool:
        """Whether amounts go as text inside a batch."""
        return self._decimals == 1

    def alone(self, write: Write) -> bool:
        """Whether it cannot be part of a batch."""
        if not self.batches or (write.is_action and not self.actions):
            return True
        return self._decimals > 1 and writes.has_numbers(write.body)

    def decimals_refused(self, *, quoted: bool) -> None:
        """Amounts in this form were refused: numbers become text, and text single requests."""
        with self._lock:
            self._decimals = max(self._decimals, 2 if quoted else 1)


class _Again(Enum):
    """Surely not carried out, and to be sent once more: with others in another form, or as a request of its own."""

    TOGETHER = auto()
    ALONE = auto()


class WriteBatches:
    """Sends writes to one company; safe to share between threads.

    `singly` carries out a write as a request of its own, `completed` finds the entity that an answer to a create lacks.
    """

    def __init__(
        self,
        session: Session,
        root: str,
        company: str,
        headers: Mapping[str, str],
        sizes: Sizes,
        *,
        singly: Callable[[Write], Answer],
        completed: Callable[[Answer], Answer],
    ) -> None:
        self._session = session
        self._url = f"{root}/$batch"
        self._company = company
        self._outer = {**headers, **batch.HEADERS}
        self._inner = {"Accept": "application/json", **headers}
        self._sizes = sizes
        self._singly = singly
        self._completed = completed
        self._lessons = Lessons()

    def carry(self, given: Sequence[Write], *, batching: bool) -> list[Outcome]:
        """One outcome for each, in order."""
        errand = _Errand(given)
        while errand.waiting:
            part = self._part(errand, batching=batching)
            errand.hear(part, self._batched([given[number] for number in part]))
        return [errand.outcomes[number] for number in range(len(given))]

    def _part(self, errand: _Errand, *, batching: bool) -> list[int]:
        """Those in front that go into the next request, taken off the queue."""
        together: list[int] = []
        for number in islice(errand.waiting, batch.LIMIT):
            if not batching or number in errand.alone or self._lessons.alone(errand.given[number]):
                break
            together.append(number)
        fitting = self._sizes.fitting([errand.given[number].kind for number in together]) if together else 1
        return [errand.waiting.popleft() for _ in range(fitting)]

    def _batched(self, part: Sequence[Write]) -> list[Outcome | _Again]:
        if len(part) == 1:
            return [self._alone(part[0])]
        quoted = self._lessons.quoted
        operations = self._operations(part, quoted=quoted)
        sent = part[: len(operations)]
        behind: list[Outcome | _Again] = [_Again.TOGETHER] * (len(part) - len(sent))
        if len(sent) == 1:
            return [self._alone(sent[0]), *behind]
        try:
            answer = self._session.write_batch(self._url, operations, self._outer)
        except (Refused, OutcomeUnknown, *_ENDINGS) as error:
            return [self._without_answer(sent, error)] * len(sent) + behind
        return self._answered(sent, answer, quoted=quoted) + behind

    def _operations(self, part: Sequence[Write], *, quoted: bool) -> list[str]:
        """As many of them as one body may hold."""
        texts: list[str] = []
        room = MOST_BYTES
        for number, write in enumerate(part):
            text = writes.operation(number, write, self._company, self._inner, quoted_decimals=quoted)
            room -= len(text)
            if texts and room < 0:
                break
            texts.append(text)
        return texts

    def _alone(self, write: Write) -> Outcome:
        try:
            answer = self._singly(write)
        except (Refused, OutcomeUnknown, *_ENDINGS) as error:
            return error
        if self._sizes.fitting([write.kind] * 2) == 1:
            self._sizes.took([write.kind], answer.seconds)
        return answer

    def _without_answer(self, sent: Sequence[Write], error: _Failure) -> Outcome | _Again:
        """What it means for every write of a batch that the batch failed as a whole."""
        if isinstance(error, _ENDINGS):
            return error
        if isinstance(error, OutcomeUnknown) or error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            self._sizes.halve([write.kind for write in sent])
        status = error.status if isinstance(error, Refused) else int(error.context.get("status", 0))
        if status in NO_BATCHES_HERE:
            self._lessons.batches = False
        if isinstance(error, OutcomeUnknown):
            return error
        # What goes again at once, without a look into the books, needs more proof than what is only put down as refused.
        return _Again.ALONE if writes.surely_refused(error) else OutcomeUnknown(error.text, system=SYSTEM)

    def _answered(self, sent: Sequence[Write], answer: Answer, *, quoted: bool) -> list[Outcome | _Again]:
        kinds = [write.kind for write in sent]
        inner = writes.inner_answers(answer, len(sent))
        if inner is None:
            if answer.body is None and "json" in answer.headers.get("Content-Type", ""):
                self._sizes.halve(kinds)  # cut off on the way: it may have been its length
            else:
                self._lessons.batches = False
            return [_doubt(answer, "the answer is none to a batch")] * len(sent)
        if None in inner:
            self._lessons.batches = False
        self._sizes.took(kinds, answer.seconds)
        return [
            _doubt(answer, "the batch has no answer to this write")
            if each is None
            else self._judged(write, each, quoted)
            for write, each in zip(sent, inner, strict=True)
        ]

    def _judged(self, write: Write, answer: Answer, quoted: bool) -> Outcome | _Again:
        if write.is_action and writes.not_in_a_batch(answer):
            self._lessons.actions = False
            return _Again.ALONE
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}:
            return _Again.ALONE
        try:
            proof = writes.judged(answer)
        except Refused as error:
            return self._refused(write, error, quoted=quoted)
        except CredentialsError as error:
            return error
        except OutcomeUnknown as error:
            self._sizes.single(write.kind)
            return error
        return self._proved(write, proof)

    def _refused(self, write: Write, error: Refused, *, quoted: bool) -> Outcome | _Again:
        """Final, unless it is about the request and not the record."""
        if writes.has_numbers(write.body) and writes.about_amounts(error, quoted=quoted):
            self._lessons.decimals_refused(quoted=quoted)
            return _Again.ALONE if quoted else _Again.TOGETHER
        bare = not error.code and error.status in ABOUT_THE_REQUEST
        return _Again.ALONE if bare or error.code == "Internal_CompanyNotFound" else error

    def _proved(self, write: Write, answer: Answer) -> Outcome:
        try:
            return self._completed(answer) if write.creates else answer
        except OutcomeUnknown as error:
            return error


class _Errand:
    """The writes of one call: those that wait, those that have to go alone, and what became of the others."""

    def __init__(self, given: Sequence[Write]) -> None:
        self.given = given
        self.waiting = deque(range(len(given)))
        self.alone: set[int] = set()
        self.outcomes: dict[int, Outcome] = {}
        self._doubts = 0

    def hear(self, part: Sequence[int], found: Sequence[Outcome | _Again]) -> None:
        """Write down what became of one request's writes; those to be sent again go back to the front."""
        again = [number for number, each in zip(part, found, strict=True) if isinstance(each, _Again)]
        self.alone |= {number for number, each in zip(part, found, strict=True) if each is _Again.ALONE}
        heard = {number: each for number, each in zip(part, found, strict=True) if not isinstance(each, _Again)}
        self.outcomes |= heard
        self.waiting.extendleft(reversed(again))
        end = self._end(list(heard.values()))
        if end is not None:
            self.outcomes |= dict.fromkeys(self.waiting, end)
            self.waiting.clear()

    def _end(self, heard: Sequence[Outcome]) -> Outcome | None:
        """Why nothing more should be sent; None when it may go on."""
        if heard:
            self._doubts = self._doubts + 1 if all(isinstance(each, OutcomeUnknown) for each in heard) else 0
        if self._doubts >= DOUBTS_IN_A_ROW:
            return NotProcessed(
                "system-unavailable",
                f"{self._doubts} requests in a row were sent without a trustworthy answer; the run stopped.",
                hint="Run again later. The next run looks in the books before anything is repeated.",
            )
        return next((each for each in heard if ends_the_run(each)), None)


def _doubt(answer: Answer, text: str) -> OutcomeUnknown:
    context = {"status": str(answer.status), "request id": answer.request_id}
    return OutcomeUnknown(f"{answer.status}, but {text}", system=SYSTEM, context=context)
