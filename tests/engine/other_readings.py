"""Simulators that read the facts otherwise: wherever those are inferred or silent, they make the other choice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from stsync.sandbox import businesscentral, servicetitan
from stsync.sandbox.world import World
from stsync.sandbox.wsgi import App, Request, Response, dump_json

Reading = Callable[[App], App]
Row = dict[str, Any]

_MONEY = {"subTotal", "salesTax", "total", "balance", "quantity", "cost", "price", "appliedAmount", "unappliedAmount"}


def exchange(world: World, *, books: tuple[Reading, ...] = (), titan: tuple[Reading, ...] = ()) -> None:
    """Let a world answer as these readings would, single requests and batches alike."""
    entra = world.entra
    books_app = businesscentral.app(world.environment, lambda token: entra.authorise(token) if token else None)
    titan_app = servicetitan.app(world.tenant, world.servicetitan_auth.authorise)
    for reading in books:
        books_app = reading(books_app)
    for reading in titan:
        titan_app = reading(titan_app)
    world.sandbox.exchange({"business_central": _batching(books_app), "servicetitan_api": titan_app})


def _batching(app: App) -> App:
    """The batch made of single requests, so that every reading holds inside it too."""

    def call(request: Request) -> Response:
        if not request.path.endswith("/$batch"):
            return app(request)
        responses = []
        for one in request.json()["requests"]:
            url = request.path.removesuffix("$batch") + one["url"]
            headers = {**request.headers, **one["headers"]}
            inner = Request.build(one["method"], url, json=one.get("body"), headers=headers, base_url=request.base_url)
            answer = app(inner)
            told = {"body": answer.json()} if answer.encoded() else {}
            responses.append({"id": one["id"], "status": answer.status, "headers": answer.headers, **told})
        return Response(200, {"responses": responses})

    return call


def refusal(status: int, code: str, message: str) -> Response:
    """A refusal in Business Central's envelope."""
    return Response(status, {"error": {"code": code, "message": f"{message}  CorrelationId:  4f2a."}})


def rewritten(change: Callable[[Row], Row]) -> Reading:
    """Every object in every answer, changed."""

    def reading(app: App) -> App:
        def call(request: Request) -> Response:
            answer = app(request)
            if answer.status >= 400 or not answer.encoded():
                return answer
            return Response(answer.status, _walked(answer.json(), change), dict(answer.headers))

        return call

    return reading


def _walked(value: Any, change: Callable[[Row], Row]) -> Any:
    if isinstance(value, dict):
        return change({name: _walked(part, change) for name, part in value.items()})
    return [_walked(part, change) for part in value] if isinstance(value, list) else value


def answering(matches: Callable[[Request], bool], answer: Callable[[], Response]) -> Reading:
    """Some requests are answered so, whatever the server thinks of them."""
    return lambda app: lambda request: answer() if matches(request) else app(request)


def expands(request: Request) -> bool:
    """Whether a request expands something."""
    return "$expand" in unquote(request.raw_query)


def sending(change: Callable[[Row], Row]) -> Reading:
    """New sales invoices arrive changed: what a server that ignores or reorders a part of them would see."""

    def reading(app: App) -> App:
        def call(request: Request) -> Response:
            if request.method != "POST" or not request.path.endswith("/salesInvoices"):
                return app(request)
            return app(replace(request, body=dump_json(change(request.json())).encode()))

        return call

    return reading


def without_content(app: App) -> App:
    """What is created is only pointed to."""

    def call(request: Request) -> Response:
        answer = app(request)
        if answer.status != 201:
            return answer
        place = request.base_url + re.sub(r"customerPaymentJournals\([^)]+\)/", "", request.path)
        return Response.empty(204, {"Location": f"{place}({answer.json()['id']})"})

    return call


def draft_lists_without_totals(app: App) -> App:
    """Totals of drafts are worked out only when one is read by itself."""

    def blank(row: Row) -> Row:
        totals = {"totalAmountIncludingTax": 0, "totalTaxAmount": 0, "totalAmountExcludingTax": 0}
        return {**row, **totals} if row.get("status") == "Draft" else row

    whole = rewritten(blank)(app)
    return lambda request: whole(request) if request.path.endswith("/salesInvoices") else app(request)


def plain_option(row: Row) -> Row:
    """Options without their encoding."""

    def decoded(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return re.sub(r"_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), value)

    return {name: decoded(value) for name, value in row.items()}


def dates_with_time(row: Row) -> Row:
    """Dates as instants."""
    day = re.compile(r"\d{4}-\d\d-\d\d")
    return {
        name: f"{value}T00:00:00Z" if isinstance(value, str) and day.fullmatch(value) else value
        for name, value in row.items()
    }


def decimals_as_text(row: Row) -> Row:
    """Decimals in quotes (IEEE754Compatible)."""
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def without_etags(row: Row) -> Row:
    """No etag on any row."""
    return {name: value for name, value in row.items() if name != "@odata.etag"}


def money_as_numbers(row: Row) -> Row:
    """Money as numbers where it usually is text."""
    return {name: Decimal(value) if name in _MONEY and isinstance(value, str) else value for name, value in row.items()}


def ids_as_text(row: Row) -> Row:
    """Ids in quotes."""

    def quoted(name: str, value: Any) -> Any:
        is_id = name in {"id", "appliedTo"} or name.endswith("Id")
        return str(value) if is_id and isinstance(value, int) else value

    return {name: quoted(name, value) for name, value in row.items()}


def without_nulls(row: Row) -> Row:
    """Keys left out instead of null."""
    return {name: value for name, value in row.items() if value is not None}


def zone_by_number(row: Row) -> Row:
    """The tax zone by its number alone."""
    if "salesTaxCode" not in row:
        return row
    code: Mapping[str, Any] = row["salesTaxCode"] or {}
    return {**row, "salesTaxCode": None, "taxZoneId": code.get("id")}


def silent_at_the_end(row: Row) -> Row:
    """No word on the last page that there is no more."""
    return {name: value for name, value in row.items() if (name, value) != ("hasMore", False)}
