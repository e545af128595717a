"""A company in the simulator, a client of it, and what stands in its books."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from requests.auth import AuthBase

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import service_root
from stsync.businesscentral.writes import Outcome, Write
from stsync.http.answers import Answer
from stsync.http.exchanges import Exchange
from stsync.http.session import Session
from stsync.sandbox.businesscentral import Environment, app
from stsync.sandbox.faults import Faults
from stsync.sandbox.inprocess import InProcess
from stsync.sandbox.wsgi import App, Request, Response

HOST = "http://127.0.0.1:1"


class Token(AuthBase):
    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = "Bearer token"
        return request

    def renew(self) -> None:
        """Nothing: the token is good."""


class Room:
    def __init__(self, **options: Any) -> None:
        self.environment = Environment(clock=lambda: datetime(2026, 7, 1, 6, 0, tzinfo=UTC))
        self.company = self.environment.create_company("CRONUS")
        self.company.add_account("4100", "Labor", category="Income")
        self.company.add_customer("ST5", "Ann")
        self.switches = self.environment.switches
        self.faults = Faults()
        self.asked: list[Request] = []
        self.told: list[Exchange] = []
        self.meddle: Callable[[Request, App], Response] | None = None
        """Stands between the client and the simulator: it gets the request and whom to ask."""
        self.now = 0.0
        self.session = self._opened()
        root = service_root(HOST, self.environment.tenant_id, self.environment.name)
        self.books = BusinessCentral(self.session, root, self.company.id, **options)

    def wait(self, seconds: float) -> None:
        """Time goes by for the client; nobody really waits."""
        self.now += seconds

    def _opened(self) -> Session:
        session = Session(
            "Business Central", auth=Token(), per_second=100_000, concurrent=4, sleep=self.wait,
            clock=lambda: self.now, on_exchange=self.told.append,
        )  # fmt: skip
        served = self.faults.wrap("business_central", app(self.environment, lambda _: "sync"))

        def noted(request: Request) -> Response:
            self.asked.append(request)
            return self.meddle(request, served) if self.meddle else served(request)

        session.mount(HOST, InProcess(noted))
        return session

    def drafts(self) -> dict[str, Decimal]:
        """The price of each draft in the books, by our document number; two of one number are a failure."""
        found: dict[str, Decimal] = {}
        for document in self.company.invoices:
            (line,) = self.company.invoice_lines.where("document_id", document.id)
            assert document.external_document_number not in found
            found[document.external_document_number] = line.unit_price
        return found

    def batches(self) -> list[list[dict[str, Any]]]:
        """The operations of every batch that was sent."""
        return [json.loads(each.body)["requests"] for each in self.asked if is_batch(each)]

    def sent(self) -> list[int]:
        """How many operations each request held, 1 for a single one."""
        return [
            len(json.loads(each.body)["requests"]) if is_batch(each) else 1
            for each in self.asked
            if each.method != "GET"
        ]


def invoice(number: int, price: str = "0.10", **more: Any) -> Write:
    line = {"lineType": "Account", "lineObjectNumber": "4100", "quantity": Decimal(1), "unitPrice": Decimal(price)}
    body = {"externalDocumentNumber": f"ST-{number}", "customerNumber": "ST5", "salesInvoiceLines": [line], **more}
    return Write.create("salesInvoices", body)


def invoices(count: int) -> list[Write]:
    return [invoice(number) for number in range(count)]


def is_batch(request: Request) -> bool:
    return request.path.endswith("$batch")


def kinds(outcomes: list[Outcome]) -> list[str]:
    return ["proved" if isinstance(each, Answer) else type(each).__name__ for each in outcomes]
