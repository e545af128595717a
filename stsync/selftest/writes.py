"""What was written to both systems, counted in the simulators: whatever the client got to know of it."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from stsync.sandbox.world import World
from stsync.sandbox.wsgi import App, Request, Response, dump_json


class Writes:
    """Counts what the simulators carried out, whatever the client got to know of it.

    What was made and deleted again counts as nothing: a journal that Business Central refused is taken apart and put
    together again, which doubles nothing.
    """

    def __init__(self, world: World) -> None:
        self._company, self._tenant = world.company, world.tenant
        self._lock = threading.Lock()
        self._found: Counter[str] = Counter()

    def around(self, app: App) -> App:
        """The same app, with its writes counted."""

        def counting(request: Request) -> Response:
            if request.method == "GET":
                return app(request)
            with self._lock:
                meant = [list(self._named(one)) for one in _parts(request)]
                response = app(request)
                for names, status in zip(meant, _statuses(request, response), strict=False):
                    if status < 300:
                        self._found.update(dict(names))
            return response

        return counting

    def so_far(self) -> Counter[str]:
        """Everything that was carried out, how often."""
        with self._lock:
            return Counter({name: count for name, count in self._found.items() if count})

    def _named(self, request: Request) -> Iterator[tuple[str, int]]:
        path = request.path
        body = request.json() if request.body else {}
        if action := re.search(r"/(\w+)\(([^)]*)\)/Microsoft\.NAV\.(\w+)$", path):
            yield from self._acted(*action.groups())
        elif request.method == "DELETE":
            yield f"made {self._existing(path)}", -1
        elif "/pricebook/" in path or request.method == "PATCH":
            yield f"{request.method} {self._existing(path)} {_told(body)}", 1
        elif path.endswith(("/markasexported", "/payments/status")):
            yield from ((f"marked {path.split('/')[-2]} {one}", 1) for one in _marked(body))
        else:
            yield f"made {path.rsplit('/', 1)[-1]} {_key(body)}", 1

    def _acted(self, kind: str, row_id: str, action: str) -> Iterator[tuple[str, int]]:
        if kind == "journals":
            for line in self._company.journal_lines.where("batch_id", row_id):
                if line.account_number:
                    yield f"posted line {line.document_number} {_money(line.amount)} {line.applies_to_number}", 1
        else:
            yield f"{action} {self._existing(f'{kind}({row_id})')}", 1

    def _existing(self, path: str) -> str:
        """What an address names, by its number from outside; the address itself where it has none."""
        found = re.search(r"(\w+)\(([^)]*)\)$", path)
        if found is None:
            return path
        kind, row_id = found.groups()
        tables: dict[str, Iterable[Any]] = {
            "customers": self._company.customers,
            "salesInvoices": self._company.invoices,
            "salesCreditMemos": self._company.credit_memos,
            "customerPayments": self._company.journal_lines,
            "journalLines": self._company.journal_lines,
        }
        row = next((one for one in tables.get(kind, ()) if one.id == row_id), None)
        if row is None:
            return path
        if kind in {"customerPayments", "journalLines"}:
            return f"{kind} {row.document_number} {_money(row.amount)}"
        return f"{kind} {row.number if kind == 'customers' else row.external_document_number}"


def _parts(request: Request) -> list[Request]:
    """The request itself, or what is in a `$batch`."""
    if not request.path.endswith("/$batch"):
        return [request]
    return [
        Request.build(str(one["method"]), f"/{one['url'].lstrip('/')}", body=_encoded(one.get("body")))
        for one in request.json()["requests"]
        if str(one["method"]).upper() != "GET"
    ]


def _encoded(body: object) -> bytes:
    return b"" if body is None else dump_json(body).encode()


def _statuses(request: Request, response: Response) -> list[int]:
    if not request.path.endswith("/$batch"):
        return [response.status]
    answers = response.json()["responses"]
    asked = [str(one["method"]).upper() for one in request.json()["requests"]]
    return [int(answer["status"]) for method, answer in zip(asked, answers, strict=False) if method != "GET"]


def _key(body: Any) -> str:
    """The number by which a body would be found again."""
    if "documentNumber" in body:
        return f"{body['documentNumber']} {_money(body['amount'])}"
    names = ("externalDocumentNumber", "number", "code")
    return next((str(body[name]) for name in names if body.get(name)), _told(body))


def _told(body: Any) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(body.items())) if isinstance(body, dict) else str(body)


def _marked(body: Any) -> Iterator[str]:
    if isinstance(body, dict):
        yield from (str(one) for one in body["paymentIds"])
    else:
        yield from (str(one.get("invoiceId") or one.get("creditMemoId")) for one in body)


def _money(amount: object) -> str:
    return f"{Decimal(str(amount)):.2f}"
