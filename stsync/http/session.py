"""The one way out to a remote system: throttled, repeated only where that is safe, and observed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from requests.auth import AuthBase

from stsync.errors import StsyncError, SystemUnavailable
from stsync.http.answers import Answer, Unreadable, decoded, parsed
from stsync.http.budget import Budget, Unshared
from stsync.http.encoding import Params, json_text, with_query
from stsync.http.exchanges import Exchange, OnExchange, Tally
from stsync.http.outcomes import NotProcessed, OutcomeUnknown
from stsync.http.redact import redact
from stsync.http.retry import Transient, retrying, wanted_pause
from stsync.http.throttle import Throttle, Window
from stsync.http.verdicts import System, judge_read, judge_write, speaks_of_app_key
from stsync.http.wire import CertificateRefused, Incoming, Lost, NeverConnected, Outgoing, TooLarge, Wire

MAX_BODY_BYTES = 200_000_000
# ServiceTitan's server gives up after 100 s (facts 1.3), Business Central's gateway after 10 minutes (facts 11).
TOTAL_SECONDS: Mapping[System, float] = {"ServiceTitan": 100.0, "Business Central": 600.0}


@dataclass(frozen=True)
class _Call:
    """One request as the caller means it, before an attempt gives it an id.

    `operations` is how many of them the vendor may count, `writes` how many of those write.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None = None
    counted_as: str = ""
    operations: int = 1
    writes: int = 0


@dataclass
class _Reply:
    answer: Answer
    readable: bool = field(default=True)


class Session:
    """One remote system's HTTP session; safe to share between threads.

    `per_second` and `concurrent` are this session's share of the vendor's limits, `burst` how many requests
    may go at once after a pause, `window` a limit that the vendor counts over minutes, `budget` what the session
    shares with others that the vendor counts together with it. `read_only=True` refuses
    every write before it leaves: that is what makes a dry run exact. `on_exchange` is called for every request on
    the wire, from the thread that made it.
    """

    def __init__(
        self,
        system: System,
        *,
        auth: AuthBase | None,
        timeout: tuple[float, float] = (10.0, 100.0),
        per_second: float,
        concurrent: int,
        burst: int = 1,
        window: Window | None = None,
        budget: Budget | None = None,
        read_only: bool = False,
        on_exchange: OnExchange | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        max_body_bytes: int = MAX_BODY_BYTES,
        deadline: float | None = None,
    ) -> None:
        self.system: System = system
        self.read_only = read_only
        self._auth = auth
        self._on_exchange = on_exchange
        self._sleep = sleep
        self._clock = clock
        self._tally = Tally()
        self._throttle = Throttle(per_second, concurrent, burst=burst, window=window, sleep=sleep, clock=clock)
        self._budget = budget or Unshared()
        self._wire = Wire(
            auth,
            timeout=timeout,
            deadline=TOTAL_SECONDS[system] if deadline is None else deadline,
            connections=concurrent,
            max_body_bytes=max_body_bytes,
            clock=clock,
        )

    @property
    def counts(self) -> dict[str, int]:
        """Requests that left so far, by method; a batch of reads counts as `BATCH`, one of writes as `WRITE_BATCH`."""
        return self._tally.snapshot()

    def mount(self, prefix: str, adapter: requests.adapters.BaseAdapter) -> None:
        """Let another adapter serve these addresses; for simulators inside the process."""
        self._wire.mount(prefix, adapter)

    def close(self) -> None:
        """Close every pooled connection."""
        self._wire.close()

    def read(self, url: str, params: Params | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """GET, repeated freely. Raises Refused, CredentialsError, or SystemUnavailable when it stays without answer."""
        call = _Call("GET", with_query(url, params), _json_headers(headers))
        return self._read(call)

    def read_batch(
        self, url: str, requests: Sequence[Mapping[str, Any]], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A POST of `{"requests": [...]}` that only reads: allowed in a dry run and repeated as reads are.

        A multipart answer is handed over with no body, since Business Central may insist on it (facts 10).
        Raises StsyncError 'write-in-dry-run' if any of the requests is no GET, and otherwise as `read` does.
        """
        if any(str(request.get("method", "")).upper() != "GET" for request in requests):
            raise _write_in_dry_run(self.system, "a batch")
        body = json_text({"requests": list(requests)}).encode()
        operations = len(requests)
        return self._read(_Call("POST", url, _json_headers(headers, body), body, "BATCH", operations))

    def write(self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """POST, PATCH or DELETE. Only what surely never happened is repeated.

        Raises Refused, CredentialsError, NotProcessed, or OutcomeUnknown at the first doubtful answer.
        """
        if self.read_only:
            raise _write_in_dry_run(self.system, f"{method} {redact(url)}")
        encoded = None if body is None else json_text(body).encode()
        return self._write(_Call(method, url, _json_headers(headers, encoded), encoded, writes=1))

    def write_batch(self, url: str, operations: Sequence[str], headers: Mapping[str, str] | None = None) -> Answer:
        """A POST of `{"requests": [...]}` that writes; each operation is JSON text already, so that it is made once.

        An answer of 2xx is handed over whatever it holds, without a body where it is no JSON: what the batch did is
        then unknown. Otherwise repeated as rarely as `write`, and raises what `write` raises.
        """
        if self.read_only:
            raise _write_in_dry_run(self.system, f"a batch of {len(operations)}")
        body = f'{{"requests":[{",".join(operations)}]}}'.encode()
        count = len(operations)
        return self._write(_Call("POST", url, _json_headers(headers, body), body, "WRITE_BATCH", count, writes=count))

    def _write(self, call: _Call) -> Answer:
        try:
            return self._repeated(lambda attempt: self._written(call, attempt))
        except Transient as error:
            raise NotProcessed(
                "not-processed",
                f"{self.system} took nothing on; nothing was written.",
                hint="Run again later.",
                note=error.text,
            ) from error

    def _read(self, call: _Call) -> Answer:
        try:
            return self._repeated(lambda attempt: self._read_once(call, attempt))
        except Transient as error:
            raise SystemUnavailable(
                "unreadable-answer" if error.unreadable else "system-unavailable",
                f"{self.system} cannot be reached, or does not answer sensibly.",
                hint="Run again later; nothing is lost. If it stays so, run: stsync doctor",
                note=error.text,
            ) from error

    def _repeated(self, once: Callable[[int], Answer]) -> Answer:
        for attempt in retrying(self._sleep, self._clock):
            with attempt:
                return once(attempt.retry_state.attempt_number)
        raise AssertionError("the last attempt always returns or raises")

    def _read_once(self, call: _Call, attempt: int) -> Answer:
        try:
            reply = self._answered(call, attempt)
        except (CertificateRefused, TooLarge) as error:
            raise _hopeless(self.system, error) from error
        except (NeverConnected, Lost) as error:
            raise Transient(str(error)) from error
        if call.counted_as and _is_multipart(reply.answer):
            return reply.answer
        return judge_read(reply.answer, self.system, readable=reply.readable)

    def _written(self, call: _Call, attempt: int) -> Answer:
        try:
            reply = self._answered(call, attempt)
        except CertificateRefused as error:
            raise _hopeless(self.system, error) from error
        except NeverConnected as error:
            raise Transient(str(error)) from error
        except Lost as error:
            raise OutcomeUnknown(str(error), system=self.system) from error
        whole = call.counted_as and reply.answer.status < 300
        return judge_write(reply.answer, self.system, readable=reply.readable or bool(whole))

    def _answered(self, call: _Call, attempt: int) -> _Reply:
        """The answer, after one renewal of the login if that may help."""
        reply = self._exchanged(call, attempt)
        renew = getattr(self._auth, "renew", None)
        if reply.answer.status == 401 and renew and not speaks_of_app_key(reply.answer):
            renew()
            reply = self._exchanged(call, attempt)
        if reply.answer.status == 429:
            # One thread's 429 speaks to all of them.
            pause = wanted_pause(reply.answer) or 0.0
            self._throttle.penalise(pause)
            self._budget.penalise(pause)
        return reply

    def _exchanged(self, call: _Call, attempt: int) -> _Reply:
        request_id = str(uuid.uuid4())
        outgoing = Outgoing(call.method, call.url, {**call.headers, "client-request-id": request_id}, call.body)
        answer: Answer | None = None
        with self._throttle.slot(call.operations) as slot, self._budget.slot(call.operations):
            self._tally.add(call.counted_as or call.method)
            began = self._clock()
            try:
                reply = _reply(self._wire.send(outgoing), request_id)
                answer = reply.answer
                self._throttle.heard(slot, answer.status)
            finally:
                seconds = self._clock() - began
                self._report(call, request_id, answer, seconds, attempt)
        return replace(reply, answer=replace(reply.answer, seconds=seconds))

    def _report(self, call: _Call, request_id: str, answer: Answer | None, seconds: float, attempt: int) -> None:
        if self._on_exchange is None:
            return
        exchange = Exchange(
            system=self.system,
            method=call.method,
            url=redact(call.url),
            request_id=request_id,
            correlation_id=answer.correlation_id if answer else "",
            status=answer.status if answer else 0,
            milliseconds=round(seconds * 1000),
            attempt=attempt,
            writes=call.writes,
        )
        self._on_exchange(exchange)


def _reply(incoming: Incoming, request_id: str) -> _Reply:
    try:
        text = decoded(incoming.content)
    except Unreadable:
        text = incoming.content.decode("utf-8", errors="replace")
        return _Reply(Answer(incoming.status, None, incoming.headers, request_id, text), readable=False)
    if not text.strip():
        return _Reply(Answer(incoming.status, None, incoming.headers, request_id, text))
    try:
        return _Reply(Answer(incoming.status, parsed(text), incoming.headers, request_id, text))
    except Unreadable:
        return _Reply(Answer(incoming.status, None, incoming.headers, request_id, text), readable=False)


def _json_headers(headers: Mapping[str, str] | None, body: bytes | None = None) -> dict[str, str]:
    typed = {"Content-Type": "application/json"} if body is not None else {}
    return {"Accept": "application/json", **typed, **(headers or {})}


def _is_multipart(answer: Answer) -> bool:
    return answer.status == 200 and answer.headers.get("Content-Type", "").lower().startswith("multipart/")


def _hopeless(system: System, error: Exception) -> SystemUnavailable:
    if isinstance(error, CertificateRefused):
        return SystemUnavailable(
            "certificate-refused",
            f"The certificate of {system} could not be verified, so nothing was sent.",
            hint="Behind a company proxy, let REQUESTS_CA_BUNDLE name its certificate file.",
            note=str(error),
        )
    return SystemUnavailable(
        "answer-too-large",
        f"{system} sent an answer that is too large to be what was asked for.",
        hint="Check api_url in the configuration.",
        note=str(error),
    )


def _write_in_dry_run(system: System, what: str) -> StsyncError:
    return StsyncError(
        "write-in-dry-run",
        f"A preview was about to write to {system} ({what}); it was stopped before anything left.",
        hint="This is a mistake in stsync. Please report it.",
    )
