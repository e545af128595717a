"""A tiny client for the tests of the Business Central simulator: calls the app in-process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from stsync.sandbox.businesscentral import Company, Environment, app
from stsync.sandbox.wsgi import Request, Response

START = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that moves one millisecond at every look, and as far as a test wants."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


class Answer:
    """Status, headers and parsed body of an answer."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.text
        self.body: Any = None if response.raw is not None or response.text is not None else response.json()

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def code(self) -> str:
        return self.body["error"]["code"]

    @property
    def message(self) -> str:
        text: str = self.body["error"]["message"]
        return text.split("  CorrelationId:", maxsplit=1)[0]


class Books:
    """One environment with one company, and calls against it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.environment = Environment(clock=self.clock)
        self.company: Company = self.environment.create_company("CRONUS USA")
        self.service = app(self.environment, lambda token: token if token and token != "expired" else None)
        self.root = f"/v2.0/{self.environment.tenant_id}/sandbox/api/v2.0"
        self.token = "client-1"

    def raw(self, method: str, url: str, json: Any = None, **headers: str) -> Answer:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {self.token}", **names}
        return Answer(self.service(Request.build(method, url, json=json, headers=sent)))

    def call(self, method: str, path: str, json: Any = None, **headers: str) -> Answer:
        return self.raw(method, f"{self.root}/companies({self.company.id})/{path}", json, **headers)

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, json: Any = None, **headers: str) -> Answer:
        return self.call("POST", path, json, **headers)

    def patch(self, path: str, json: Any, tag: str = "*", **headers: str) -> Answer:
        return self.call("PATCH", path, json, If_Match=tag, **headers)

    def made(self, path: str, json: Any) -> dict[str, Any]:
        """POST that must succeed; the body."""
        answer = self.post(path, json)
        assert answer.status == 201, answer.body
        return answer.body

    def act(self, path: str, action: str = "post") -> Answer:
        return self.post(f"{path}/Microsoft.NAV.{action}")

    def invoice(self, *lines: dict[str, Any], **header: Any) -> dict[str, Any]:
        """A draft invoice for customer C1, by default one account line of 100."""
        body = {
            "customerNumber": "C1",
            "salesInvoiceLines": list(lines) or [account_line(100)],
            **header,
        }
        return self.made("salesInvoices", body)

    def posted(self, *lines: dict[str, Any], **header: Any) -> dict[str, Any]:
        """A posted invoice, as it reads afterwards."""
        draft = self.invoice(*lines, **header)
        answer = self.act(f"salesInvoices({draft['id']})")
        assert answer.status == 204, answer.body
        return self.get(f"salesInvoices({draft['id']})").body

    def journal(self, code: str = "STSYNC", balanced: bool = True) -> dict[str, Any]:
        """A customer payment journal, balanced by the checking account."""
        checking = self.company.accounts.first("number", "1000")
        extra = {"balancingAccountId": checking.id} if balanced and checking else {}
        return self.made("customerPaymentJournals", {"code": code, "displayName": code, **extra})

    def payment(self, journal: dict[str, Any], **fields: Any) -> Answer:
        return self.post(f"customerPaymentJournals({journal['id']})/customerPayments", fields)

    def batch(self, *requests: dict[str, Any], **headers: str) -> Answer:
        sent = {"Accept": "application/json", **headers}
        return self.raw("POST", f"{self.root}/$batch", {"requests": list(requests)}, **sent)

    def inner(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """An operation for `batch`."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request: dict[str, Any] = {
            "id": path,
            "method": method,
            "url": f"companies({self.company.id})/{path}",
            "headers": {"Content-Type": "application/json", **names},
        }
        return request if body is None else {**request, "body": body}

    def trial_balance(self) -> Decimal:
        return sum((entry.amount for entry in self.company.gl_entries), Decimal(0))


def account_line(price: Any, account: str = "4000", quantity: Any = 1, **more: Any) -> dict[str, Any]:
    return {
        "lineType": "Account",
        "lineObjectNumber": account,
        "quantity": quantity,
        "unitPrice": price,
        **more,
    }


def item_line(item: str, price: Any, quantity: Any = 1, **more: Any) -> dict[str, Any]:
    return {"lineType": "Item", "lineObjectNumber": item, "quantity": quantity, "unitPrice": price, **more}
