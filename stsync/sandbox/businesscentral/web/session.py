"""One operation against the books: a method, a path, a query and a body to an answer.

Used for single requests and for the operations inside a batch. Not modelled: `$metadata` (answers 501),
change tracking, long-running requests, `Data-Access-Intent` replicas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stsync.sandbox.businesscentral import errors
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.environment import Environment
from stsync.sandbox.businesscentral.odata.payload import decode_payload
from stsync.sandbox.businesscentral.odata.query import Query, decode_query, parse_query
from stsync.sandbox.businesscentral.odata.reading import matching, read_page
from stsync.sandbox.businesscentral.odata.rendering import Renderer, etag
from stsync.sandbox.businesscentral.odata.schema import EntitySet, Parent, Payload
from stsync.sandbox.businesscentral.odata.values import format_datetime
from stsync.sandbox.businesscentral.sets.registry import SETS
from stsync.sandbox.businesscentral.web.address import Segment, Target, guid_key, resolve, split_path
from stsync.sandbox.wsgi import BadJson, Response, parse_json

_TOKEN = re.compile(r'\*|W/".+"')
_PAGE_SIZE = re.compile(r"odata\.maxpagesize\s*=\s*(\d+)")


@dataclass(frozen=True)
class Operation:
    """One operation. `path` is relative to `…/api/v2.0/`; header names are lower-case."""

    method: str
    path: str
    raw_query: str
    headers: Mapping[str, str]
    body: bytes
    api_url: str
    """The absolute URL of `…/api/v2.0`, for links and contexts."""

    def header(self, name: str) -> str:
        """A header, or blank."""
        return self.headers.get(name, "")

    @property
    def metadata(self) -> bool:
        """Whether answers carry control information."""
        return "odata.metadata=none" not in self.header("accept")

    @property
    def text_numbers(self) -> bool:
        """Whether decimals may come as text."""
        return "ieee754compatible=true" in self.header("content-type").lower()

    def json(self) -> Any:
        """The body. Raises 415 for another content type and 400 for what is not JSON."""
        kind = self.header("content-type")
        if self.body and kind and "json" not in kind:
            raise errors.BcError(415, "BadRequest", f"The content type '{kind}' is not supported.")
        try:
            return parse_json(self.body)
        except BadJson:
            raise errors.bad_request("Invalid Request Body") from None


class Session:
    """Runs operations of one user in an environment. The caller holds the environment's lock."""

    def __init__(self, environment: Environment, user: str) -> None:
        self._environment = environment
        self._user = user

    def run(self, operation: Operation) -> Response:
        """Run one operation; errors become their envelope, and leave no change behind."""
        try:
            with self._environment.store.undo.transaction():
                return self._answer(operation)
        except errors.BcError as error:
            return Response(error.status, error.envelope(), dict(error.headers))

    def _answer(self, operation: Operation) -> Response:
        options = decode_query(operation.raw_query)
        segments = split_path(operation.path)
        if segments[0].name == "$metadata":
            raise errors.BcError(501, "BadRequest_MethodNotImplemented", "$metadata is not modelled.")
        if segments[0].name == "companies" and segments[0].key is None:
            return self._companies(operation, segments, options)
        company, rest = self._company(operation, segments, options)
        company.current_user = self._user
        if not rest:
            return self._one_company(operation, company)
        target = resolve(company, rest, f"{operation.api_url}/{operation.path}")
        return _Verbs(company, operation, target, parse_query(options)).answer()

    def _company(
        self, operation: Operation, segments: list[Segment], options: dict[str, str]
    ) -> tuple[Company, list[Segment]]:
        """The company of a path, of `?company=` or of the Company header, and what follows it."""
        rest = segments
        name = options.get("company") or operation.header("company")
        if segments[0].name == "companies":
            name, rest = guid_key(segments[0].key or ""), segments[1:]
        company = self._environment.company(name) if name else None
        if name and company is None:
            raise errors.BcError(404, "Internal_CompanyNotFound", f'The company "{name}" does not exist.')
        if company is None:
            if segments[0].name not in SETS:
                raise errors.url_not_found(f"{operation.api_url}/{operation.path}")
            raise errors.bad_request("You must choose a company: use the path or the company parameter.")
        return company, rest

    def _companies(self, operation: Operation, segments: list[Segment], options: dict[str, str]) -> Response:
        """The list of companies. Of the query options it knows `$select` and a filter on the name."""
        if operation.method != "GET":
            raise errors.method_not_allowed(operation.method, "companies")
        if len(segments) > 1:
            raise errors.segment_not_found(segments[1].name)
        rows = [_company_row(each) for each in self._environment.companies]
        named = re.fullmatch(r"name eq '(.*)'", options.get("$filter", ""))
        if named:
            rows = [row for row in rows if row["name"] == named[1].replace("''", "'")]
        elif "$filter" in options:
            raise errors.bad_request("Only a filter on the name of a company is modelled.")
        chosen = parse_query(options).select
        if chosen is not None:
            rows = [{name: row[name] for name in row if name in chosen} for row in rows]
        return Response(200, {"@odata.context": f"{operation.api_url}/$metadata#companies", "value": rows})

    def _one_company(self, operation: Operation, company: Company) -> Response:
        if operation.method != "GET":
            raise errors.method_not_allowed(operation.method, "companies")
        context = {"@odata.context": f"{operation.api_url}/$metadata#companies/$entity"}
        return Response(200, {**context, **_company_row(company)})


def _company_row(company: Company) -> dict[str, Any]:
    created = format_datetime(company.information.modified_at)
    return {
        "id": company.id,
        "systemVersion": "29.0.0.0",
        "timestamp": company.information.version,
        "name": company.name,
        "displayName": company.display_name,
        "businessProfileId": "",
        "systemCreatedAt": created,
        "systemCreatedBy": "00000000-0000-0000-0000-000000000001",
        "systemModifiedAt": created,
        "systemModifiedBy": "00000000-0000-0000-0000-000000000001",
    }


class _Verbs:
    """What each HTTP method does to a resolved target."""

    def __init__(self, company: Company, operation: Operation, target: Target, query: Query) -> None:
        self._company = company
        self._operation = operation
        self._target = target
        self._query = query
        self._set = target.entity_set
        self._renderer = Renderer(company, SETS, metadata=operation.metadata)

    def answer(self) -> Response:
        method = self._operation.method
        if self._target.action:
            return self._act()
        if method not in self._set.verbs:
            raise errors.method_not_allowed(method, self._set.name)
        if method == "GET":
            return self._read()
        if method == "POST":
            return self._create()
        return self._change(method)

    def _act(self) -> Response:
        if self._operation.method != "POST":
            raise errors.method_not_allowed(self._operation.method, self._target.action)
        actions = self._set.actions
        if not actions:
            message = "Entity does not support bound actions"
            raise errors.BcError(501, "BadRequest_MethodNotImplemented", message)
        if self._target.action not in actions:
            raise errors.url_not_found(f"{self._operation.api_url}/{self._operation.path}")
        self._check_token(required=False)
        actions[self._target.action](self._company, self._target.row)
        return Response.empty(204, {"Location": self._location()})

    def _read(self) -> Response:
        if self._target.row is not None:
            self._set.before_read(self._company, self._target.row)
            return self._entity(200, self._target.row)
        if self._target.count:
            total = len(matching(self._company, self._set, self._target.parent, self._query))
            return Response(200, text=str(total), headers={"Content-Type": "text/plain"})
        return self._list()

    def _list(self) -> Response:
        size = self._company.switches.page_size
        preferred = _PAGE_SIZE.search(self._operation.header("prefer"))
        if preferred is not None:
            size = min(size, max(int(preferred[1]), 1))
        page = read_page(self._company, self._set, self._target.parent, self._query, size)
        body: dict[str, Any] = {}
        if self._operation.metadata:
            body["@odata.context"] = self._context()
        if self._query.count:
            body["@odata.count"] = page.total
        body["value"] = [self._renderer.row(self._set, row, self._query) for row in page.rows]
        if page.next_token is not None:
            body["@odata.nextLink"] = self._next_link(page.next_token)
        return Response(200, body)

    def _next_link(self, token: str) -> str:
        kept = [
            piece
            for piece in self._operation.raw_query.split("&")
            if piece and not re.match(r"(?:\$|%24)skip(?:token)?=", piece)
        ]
        query = "&".join([*kept, f"$skiptoken={token}"])
        return f"{self._operation.api_url}/{self._operation.path}?{query}"

    def _create(self) -> Response:
        if self._target.row is not None:
            raise errors.method_not_allowed("POST", self._set.name)
        row = self._insert(self._set, self._operation.json(), self._target.parent)
        if "return-no-content" in self._operation.header("prefer"):
            return Response.empty(204, {"Location": self._location(row)})
        return self._entity(201, row)

    def _insert(self, entity_set: EntitySet, body: Any, parent: Parent | None) -> Any:
        """Insert a record, then its nested collections in the order of the arrays (deep insert)."""
        if "POST" not in entity_set.verbs:
            raise errors.method_not_allowed("POST", entity_set.name)
        payload = decode_payload(body, entity_set, text_numbers=self._operation.text_numbers)
        row = entity_set.create(self._company, payload, parent)
        for name, children in payload.children.items():
            child_set = SETS[entity_set.navigations[name]]
            if child_set.name == "dimensionSetLines" and not self._takes_nested_dimensions(entity_set):
                continue
            for child in children:
                self._insert(child_set, child, Parent(entity_set, row))
        return row

    def _takes_nested_dimensions(self, entity_set: EntitySet) -> bool:
        """Whether nested dimensions are inserted: inferred in the facts (section 2.13), hence a switch."""
        reading = self._company.switches.nested_dimensions.get(entity_set.name, "accepted")
        if reading == "refused":
            raise errors.bad_request("The property 'dimensionSetLines' cannot be part of this request.")
        return reading == "accepted"

    def _change(self, method: str) -> Response:
        row = self._target.row
        if row is None:
            raise errors.method_not_allowed(method, self._set.name)
        self._check_token(required=method == "PATCH")
        if method == "DELETE":
            self._set.delete(self._company, row, self._target.parent)
            return Response.empty(204)
        payload: Payload = decode_payload(
            self._operation.json(), self._set, text_numbers=self._operation.text_numbers, nested=False
        )
        changed = self._set.update(self._company, row, payload, self._target.parent)
        return self._entity(200, changed)

    def _check_token(self, *, required: bool) -> None:
        """Compare If-Match: a PATCH needs one, the other verbs heed one (BC facts section 8)."""
        sent = self._operation.header("if-match").strip()
        if not sent and not required:
            return
        if _TOKEN.fullmatch(sent) is None:
            raise errors.invalid_token()
        if sent != "*" and sent != etag(self._set, self._target.row):
            raise errors.entity_changed()

    def _entity(self, status: int, row: Any) -> Response:
        body = self._renderer.row(self._set, row, self._query)
        if self._operation.metadata:
            body = {"@odata.context": f"{self._context()}/$entity", **body}
        headers = {"ETag": etag(self._set, row)}
        if status == 201:
            headers["Location"] = self._location(row)
        return Response(status, body, headers)

    def _context(self) -> str:
        path = re.sub(r"\([^)]*\)$", "", self._target.path)
        return f"{self._operation.api_url}/$metadata#companies({self._company.id})/{path}"

    def _location(self, row: Any = None) -> str:
        base = f"{self._operation.api_url}/companies({self._company.id})/{self._target.path}"
        return base if row is None else f"{base}({row.id})"
