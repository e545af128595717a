"""Endpoints as values: method, path below the tenant, the scope it needs, and who answers.

Not modelled: HEAD and OPTIONS, content negotiation, versions other than v2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stsync.sandbox.servicetitan.errors import Invalid, not_found
from stsync.sandbox.servicetitan.feeds import Feed
from stsync.sandbox.servicetitan.listing import Listing, Render, as_it_is
from stsync.sandbox.servicetitan.table import Row
from stsync.sandbox.servicetitan.tenant import Tenant
from stsync.sandbox.wsgi import BadJson, Request, Response

Answer = Callable[[Tenant, Request, dict[str, str]], Response]


@dataclass(frozen=True)
class Endpoint:
    """One endpoint; `path` is below `/{module}/v2/tenant/{tenant}/`, `parameters` what its query may hold."""

    method: str
    module: str
    path: str
    scope: str
    answer: Answer
    parameters: frozenset[str] = frozenset()

    @property
    def template(self) -> str:
        """The whole path, with placeholders."""
        return f"/{self.module}/v2/tenant/{{tenant}}/{self.path}"


def list_endpoint(module: str, path: str, scope: str, listing: Listing) -> Endpoint:
    """GET a list."""
    return Endpoint("GET", module, path, f"{scope}:r", lambda t, r, _: listing.answer(t, r), listing.parameters)


def feed_endpoint(module: str, path: str, scope: str, table: str, render: Render = as_it_is) -> Endpoint:
    """GET an export feed."""
    feed = Feed(f"{module}/{path}", table, render)
    return Endpoint("GET", module, path, f"{scope}:r", lambda t, r, _: feed.answer(t, r), feed.parameters)


def row_endpoint(
    module: str,
    path: str,
    scope: str,
    table: str,
    render: Render = as_it_is,
    *,
    visible: Callable[[Row], bool] = lambda _row: True,
    parameters: frozenset[str] = frozenset(),
) -> Endpoint:
    """GET one row by id, among the visible ones."""

    def answer(tenant: Tenant, request: Request, names: dict[str, str]) -> Response:
        row = row_of(tenant, table, names["id"])
        if not visible(row):
            raise not_found()
        return Response(200, render(tenant, row, request))

    return Endpoint("GET", module, path, f"{scope}:r", answer, parameters)


def row_of(tenant: Tenant, table: str, text: str) -> Row:
    """The row with the id of a path. Raises 400 for what is no id, 404 for an unknown one."""
    if not text.isdigit():
        raise Invalid({"id": [f"The value '{text}' is not valid."]})
    row = tenant.tables[table].get(int(text))
    if row is None:
        raise not_found()
    return row


def json_body(request: Request) -> object:
    """The body as JSON. Raises 400."""
    if "json" not in request.header("content-type"):
        raise Invalid({"": ["The content type is not supported; send application/json."]})
    try:
        return request.json()
    except BadJson:
        raise Invalid({"": ["The body is not valid JSON."]}) from None
