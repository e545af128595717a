"""Business Central's API v2.0 in its own nouns: reads and writes, one by one or by batch.

Every method but write_many raises what its session raises: Refused and CredentialsError; for reads
SystemUnavailable; for writes NotProcessed and OutcomeUnknown. A wrong company or environment is a UsageError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

from stsync.businesscentral import batch, children
from stsync.businesscentral.batch_size import Sizes
from stsync.businesscentral.odata import Read, checked_next_link, company_path, next_link
from stsync.businesscentral.write_batches import NO_BATCHES_HERE, WriteBatches
from stsync.businesscentral.writes import Outcome, Write
from stsync.errors import CredentialsError, SystemUnavailable, UsageError
from stsync.http.answers import Answer
from stsync.http.encoding import with_query
from stsync.http.outcomes import OutcomeUnknown, Refused
from stsync.http.session import Session

Row = dict[str, Any]

# English texts, since problems.py recognises some errors by their words (facts section 13). The page size stays
# far below the server's 20,000, and the same headers go with every page (facts section 9).
_HEADERS = {"Accept-Language": "en-US"}
_PAGED = {**_HEADERS, "Prefer": "odata.maxpagesize=1000"}

_NOT_THERE = frozenset({"Internal_RecordNotFound", "Internal_DataNotFoundFilter", "BadRequest_ResourceNotFound"})


class PagingExpired(SystemUnavailable):
    """The server forgot where we were in a long list; the list has to be read from its beginning."""


class BusinessCentral:
    """One company. `base_url` ends with `/api/v2.0` (see odata.service_root); safe to share between threads.

    A batch of writes aims at `batch_seconds`, and holds at most `batch_operations` of them.
    """

    def __init__(
        self,
        session: Session,
        base_url: str,
        company_id: str,
        use_batch: bool = True,
        *,
        batch_operations: int = batch.LIMIT,
        batch_seconds: float = 10.0,
    ) -> None:
        self._session = session
        self._root = base_url.rstrip("/")
        self._company = company_path(company_id)
        self._batching = use_batch
        self._unexpanded: set[tuple[str, str]] = set()
        self._writes = WriteBatches(
            session,
            self._root,
            self._company,
            _HEADERS,
            Sizes(batch_operations, batch_seconds),
            singly=self._singly,
            completed=self._with_entity,
        )

    @property
    def session(self) -> Session:
        """The session underneath, for its counts."""
        return self._session

    def companies(self) -> list[Row]:
        """Every company that the login can see."""
        return list(self._rows(f"{self._root}/companies"))

    def stream(self, read: Read) -> Iterator[Row]:
        """The rows, page by page. Raises PagingExpired when the server forgets its place in the middle."""
        rows = self._rows(with_query(self._url(read.entity), read.params()))
        return rows if read.top is None else islice(rows, read.top)

    def read(self, read: Read) -> list[Row]:
        """All rows at once; begun again, once, when the server forgot its place.

        What is expanded is read by the path of each row where the server does not expand it.
        """
        if self._expands(read):
            try:
                rows = self._listed(read)
            except Refused:
                if not children.asked_for(read):
                    raise
            else:
                if children.shown(rows, read):
                    return rows
        return self._filled(read, self._listed(children.without(read)))

    def read_many(self, reads: Sequence[Read]) -> list[list[Row]]:
        """The rows of each read, in the order asked; in batches of 100 where the server takes batches."""
        results: list[list[Row]] = []
        for start in range(0, len(reads), batch.LIMIT):
            part = reads[start : start + batch.LIMIT]
            rows = self._batched([read if self._expands(read) else children.without(read) for read in part])
            results += [self._completed(read, got) for read, got in zip(part, rows, strict=True)]
        return results

    def _completed(self, read: Read, got: list[Row] | None) -> list[Row]:
        if got is None:
            return self.read(read)
        if children.shown(got, read):
            return got
        return self._filled(read, got) if all("id" in row for row in got) else self.read(read)

    def _expands(self, read: Read) -> bool:
        return children.kind(read) not in self._unexpanded

    def _filled(self, read: Read, bare: list[Row]) -> list[Row]:
        """Rows that came alone, with what is below each; later reads of this kind then do not ask for more."""
        self._unexpanded.add(children.kind(read))
        found = self.read_many(children.below(read, bare))
        return children.joined(read, bare, found)

    def _listed(self, read: Read) -> list[Row]:
        try:
            return list(self.stream(read))
        except PagingExpired:
            return list(self.stream(read))

    def one(self, path: str, expand: str | None = None) -> Row | None:
        """One entity by its path, or None when BC says that it does not exist.

        Only BC's own word counts: a gateway's 404 must never pass for "not in the books yet".
        """
        url = with_query(self._url(path), {"$expand": expand} if expand else None)
        try:
            answer = self._get(url, _HEADERS)
        except Refused as error:
            if error.status in {400, 404} and error.code in _NOT_THERE:
                return None
            raise
        return _entity(answer)

    def write_many(self, writes: Sequence[Write]) -> list[Outcome]:
        """Carry out writes that do not depend on each other; one outcome for each, in order (see writes.Outcome).

        Nothing that happens to a write is raised, not even a refused login: who called writes down what the others
        came to before the run ends. After such an end nothing more is sent, and the writes behind it share it.
        """
        return self._writes.carry(writes, batching=self._batching)

    def _singly(self, write: Write) -> Answer:
        with _at_the_right_place():
            url = self._url(write.path)
            answer = self._session.write(write.method, url, write.body, {**_HEADERS, **write.headers})
        return self._with_entity(answer) if write.creates else answer

    def create(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Create an entity; fields go out in the order given, since BC replays them so (facts section 1)."""
        return self._singly(Write.create(path, body))

    def _with_entity(self, answer: Answer) -> Answer:
        """A create's answer with the entity. Raises OutcomeUnknown where it cannot be had."""
        if not isinstance(answer.body, dict):
            answer = self._where_it_lies(answer)
        if not isinstance(answer.body, dict):
            raise OutcomeUnknown(
                f"{answer.status}, but without the entity that was created",
                system="Business Central",
                context={"request id": answer.request_id},
            )
        return answer

    def _where_it_lies(self, answer: Answer) -> Answer:
        """The entity that an answer without a body points to (facts 13, return-no-content); the answer if it cannot."""
        link = answer.headers.get("Location", "")
        try:
            address = checked_next_link(link, f"{self._root}/", self._root) if link else ""
            found = self._get(address, _HEADERS).body if address else None
        except (Refused, SystemUnavailable, UsageError, CredentialsError):
            return answer
        return replace(answer, body=found)

    def update(self, path: str, body: Mapping[str, Any], etag: str) -> Answer:
        """Change an entity that still is as we read it; a stale etag is Refused with Request_EntityChanged."""
        return self._singly(Write.update(path, body, etag))

    def delete(self, path: str, etag: str) -> Answer:
        """Delete an entity that still is as we read it; `*` deletes it whatever it is."""
        return self._singly(Write.delete(path, etag))

    def action(self, path: str, name: str) -> Answer:
        """A bound action, such as `action("journals(id)", "post")`; success is 204 with nothing in it."""
        return self._singly(Write.action(path, name))

    def _url(self, path: str) -> str:
        return f"{self._root}/{self._company}/{path}"

    def _get(self, url: str, headers: Mapping[str, str]) -> Answer:
        with _at_the_right_place():
            return self._session.read(url, headers=headers)

    def _rows(self, url: str) -> Iterator[Row]:
        seen: set[str] = set()
        while url and url not in seen:
            page = self._page(url, following=bool(seen))
            seen.add(url)
            yield from page["value"]
            link = next_link(page)
            url = checked_next_link(link, url, self._root) if link else ""
        if url:
            raise SystemUnavailable(
                "paging-stuck",
                "Business Central keeps sending the same page of a list.",
                hint="Run again later. If it stays so, please report it.",
                note=url,
            )

    def _page(self, url: str, *, following: bool) -> Row:
        try:
            return _collection(self._get(url, _PAGED))
        except Refused as error:
            if following and error.code == "SkipTokenIsNoLongerValid":
                raise PagingExpired(
                    "paging-expired",
                    "Business Central forgot the place in a long list while it was being read.",
                    hint="Run again; nothing is lost.",
                    note=error.text,
                ) from error
            raise

    def _batched(self, reads: Sequence[Read]) -> Sequence[list[Row] | None]:
        """What one batch brings; None for every read that has to be made on its own."""
        alone = [None] * len(reads)
        if not self._batching or len(reads) < 2:
            return alone
        inner = batch.inner_requests(reads, self._company, {"Accept": "application/json", **_PAGED})
        try:
            answer = self._session.read_batch(f"{self._root}/$batch", inner, {**_HEADERS, **batch.HEADERS})
            return batch.complete_rows(answer, len(reads))
        except batch.NotBatched:
            self._batching = False
        except Refused as error:
            # A server or proxy that takes no batches will not take the next one either.
            self._batching = error.status not in NO_BATCHES_HERE
        except SystemUnavailable as error:
            if error.reference != "unreadable-answer":
                raise
            self._batching = False
        return alone


def _entity(answer: Answer) -> Row:
    if isinstance(answer.body, dict) and "value" not in answer.body:
        return answer.body
    raise _unexpected(answer, "one entity")


def _collection(answer: Answer) -> Row:
    rows = answer.body.get("value") if isinstance(answer.body, dict) else None
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        return dict(answer.body)
    raise _unexpected(answer, "a list")


def _unexpected(answer: Answer, wanted: str) -> SystemUnavailable:
    return SystemUnavailable(
        "unreadable-answer",
        f"Business Central was asked for {wanted} and sent something else.",
        hint="Check business_central.api_url in the configuration.",
        note=answer.text[:200],
    )


@contextmanager
def _at_the_right_place() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        mistake = _wrong_place(error)
        if mistake:
            raise mistake from error
        raise


def _wrong_place(error: Refused) -> UsageError | None:
    """Facts section 12: a wrong company has its own code; a wrong environment has no envelope, or names itself."""
    if error.code == "Internal_CompanyNotFound":
        return UsageError(
            "company-not-found",
            "Business Central has no company with the id in the configuration.",
            hint="Compare business_central.company_id with the list that stsync doctor shows.",
            note=error.text,
        )
    nameless = error.status == 404 and (not error.code or "NoEnvironment" in error.code + error.text)
    if nameless:
        return UsageError(
            "environment-not-found",
            "There is no Business Central at the configured address.",
            hint="Check business_central.environment (the name in the admin center), tenant_id and api_url.",
            note=error.text,
        )
    return None
