"""The obvious way to carry a month: one request after another, one record after another, as most connectors do.

    python bench/obvious_client.py --config config.yaml      secrets from the environment, as for stsync

It is what stsync is compared with, so it is written honestly: it keeps connections and tokens, reads ServiceTitan in
pages, looks before it creates, sends fields in the order that Business Central needs, and leaves right books. What it
does not have is what stsync is about: batches, lanes, deep inserts, memory, a preview, and an answer to a lost answer.
It shares no code with stsync.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import requests
import yaml

Row = dict[str, Any]
PAGE_SIZE = 500
# Field lengths of Business Central's customer card.
LENGTHS = {"displayName": 100, "addressLine1": 100, "addressLine2": 50, "city": 30, "state": 30}


class Api:
    """One system: an address, a login, and one request at a time."""

    def __init__(self, base: str, login: tuple[str, dict[str, str]], headers: dict[str, str] | None = None) -> None:
        self._base = base
        self._login_url, self._login_form = login
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": "obvious-client/1.0", **(headers or {})})

    def get(self, path: str, **query: Any) -> Any:
        """GET a path; the answer as Python values."""
        # OData takes %20 for a blank and not a plus.
        return self._send("GET", path, params=urlencode(query, quote_via=quote)).json()

    def post(self, path: str, body: Row | None = None) -> Any:
        """POST a body; the answer as Python values, None where there is none."""
        answer = self._send("POST", path, json=body)
        return answer.json() if answer.content else None

    def _send(self, method: str, path: str, **more: Any) -> requests.Response:
        for attempt in range(6):
            if "Authorization" not in self._session.headers:
                self._log_in()
            answer = self._session.request(method, f"{self._base}/{path}", timeout=600, **more)
            if answer.status_code == 401 and attempt == 0:
                del self._session.headers["Authorization"]
            elif answer.status_code == 429:
                time.sleep(2**attempt)
            elif answer.ok:
                return answer
            else:
                raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        raise SystemExit(f"{method} {path}: too many refusals")

    def _log_in(self) -> None:
        answer = self._session.post(self._login_url, data=self._login_form, timeout=60)
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


class Month:
    """The month, carried record by record."""

    def __init__(self, config: Row) -> None:
        self._mapping = config["mapping"]
        self._journals = config["payments"]["journals"]
        self._exempt = config["invoices"]["tax"]["exempt_code"]
        self._dimension = config["dimensions"]["business_unit"]
        self._go_live = str(config["go_live"])
        self._titan = _servicetitan(config["servicetitan"])
        self._books = _business_central(config["business_central"])
        self._journal_ids: dict[str, str] = {}
        self._terms = {row["code"]: row["id"] for row in self._books.get("paymentTerms")["value"]}
        self._accounts = {row["number"]: row["id"] for row in self._books.get("accounts")["value"]}
        self._posted: dict[int, str] = {}

    def carry(self) -> None:
        """Customers, then invoices, then payments."""
        reach = self._contacts()
        for row in self._pages("crm", "customers"):
            self._customer(row, reach.get(row["id"], {}))
        for row in self._pages("accounting", "invoices"):
            if row["syncStatus"] == "Posted" and row["invoiceDate"][:10] >= self._go_live:
                self._invoice(row)
        for row in self._pages("accounting", "payments"):
            if row["syncStatus"] == "Posted" and row["date"][:10] >= self._go_live:
                self._payment(row)

    def _customer(self, row: Row, reach: dict[str, str]) -> None:
        number = f"ST{row['id']}"
        if self._books.get("customers", **{"$filter": f"number eq '{number}'"})["value"]:
            return
        place = row["address"]
        fields = {
            "displayName": row["name"],
            "type": "Company" if row["type"] == "Commercial" else "Person",
            "addressLine1": place["street"],
            "addressLine2": place["unit"] or "",
            "postalCode": place["zip"],
            "city": place["city"],
            "state": place["state"],
            **reach,
        }
        short = {name: value[: LENGTHS.get(name, 250)] for name, value in fields.items()}
        self._books.post("customers", {"number": number, **short})

    def _invoice(self, row: Row) -> None:
        number = f"ST-{row['id']}"
        found = self._books.get("salesInvoices", **{"$filter": f"externalDocumentNumber eq '{number}'"})["value"]
        if found:
            self._posted[row["id"]] = found[0]["id"]
            return
        header = self._books.post("salesInvoices", self._header(row, number))
        unit = self._mapping["business_units"][row["businessUnit"]["name"]]
        for item in row["items"]:
            if item["isChargeable"]:
                own = item["businessUnit"] or row["businessUnit"]
                self._line(header["id"], self._sold(item), self._mapping["business_units"][own["name"]])
        if Decimal(row["salesTax"]):
            account = self._mapping["tax_zones"][row["salesTaxCode"]["name"]]
            self._line(header["id"], self._priced("Account", account, "1", row["salesTax"], "Sales tax"), unit)
        # After the lines: a dimension of the header reaches the lines that are added later, and then it is there twice.
        value = {"code": self._dimension, "valueCode": unit}
        self._books.post(f"salesInvoices({header['id']})/dimensionSetLines", value)
        self._books.post(f"salesInvoices({header['id']})/Microsoft.NAV.post")
        posted = self._books.get(f"salesInvoices({header['id']})")
        if Decimal(str(posted["totalAmountIncludingTax"])) != Decimal(row["total"]):
            raise SystemExit(
                f"invoice {number} is {posted['totalAmountIncludingTax']} in the books, not {row['total']}"
            )
        self._posted[row["id"]] = header["id"]

    def _header(self, row: Row, number: str) -> Row:
        return {
            "customerNumber": f"ST{row['customer']['id']}",
            "invoiceDate": row["invoiceDate"][:10],
            "postingDate": row["invoiceDate"][:10],
            "paymentTermsId": self._terms[self._mapping["terms"][row["termName"]]],
            "dueDate": row["dueDate"][:10],
            "externalDocumentNumber": number,
            "customerPurchaseOrderReference": row["referenceNumber"],
        }

    def _sold(self, item: Row) -> Row:
        code = self._mapping["items"].get(item["skuName"])
        account = item["generalLedgerAccount"]["number"]
        kind, sold = ("Item", code) if code else ("Account", self._mapping["accounts"].get(account, account))
        return self._priced(kind, sold, item["quantity"], item["price"], item["description"])

    def _priced(self, kind: str, number: str, quantity: str, price: str, text: str) -> Row:
        return {
            "lineType": kind,
            "lineObjectNumber": number,
            "quantity": float(quantity),
            "unitPrice": float(price),
            "description": text.replace("<p>", "").replace("</p>", "")[:100],
            "taxCode": self._exempt,
        }

    def _line(self, invoice_id: str, line: Row, unit: str) -> None:
        path = f"salesInvoices({invoice_id})/salesInvoiceLines"
        made = self._books.post(path, line)
        self._books.post(f"{path}({made['id']})/dimensionSetLines", {"code": self._dimension, "valueCode": unit})

    def _payment(self, row: Row) -> None:
        number = f"ST-P{row['id']}"
        # The only place where a posted payment can be looked up (nothing refuses the same number twice).
        if self._books.get("generalLedgerEntries", **{"$filter": f"documentNumber eq '{number}'"})["value"]:
            return
        journal = self._journal(self._mapping["payment_types"][row["type"]])
        rest = Decimal(row["total"])
        for applied in row["appliedTo"]:
            amount = Decimal(applied["appliedAmount"])
            rest -= amount
            self._receipt(journal, row, number, amount, self._posted[applied["appliedTo"]])
        if rest:
            self._receipt(journal, row, number, rest, None)
        self._books.post(f"journals({journal})/Microsoft.NAV.post")

    def _receipt(self, journal: str, row: Row, number: str, amount: Decimal, applies_to: str | None) -> None:
        body: Row = {
            "customerNumber": f"ST{row['customer']['id']}",
            "postingDate": row["date"][:10],
            "documentNumber": number,
            "externalDocumentNumber": (row["checkNumber"] or row["referenceNumber"])[:35],
            "amount": float(-amount),
        }
        if applies_to is not None:
            body["appliesToInvoiceId"] = applies_to
        self._books.post(f"customerPaymentJournals({journal})/customerPayments", body)

    def _journal(self, code: str) -> str:
        if code not in self._journal_ids:
            found = self._books.get("customerPaymentJournals", **{"$filter": f"code eq '{code}'"})["value"]
            choice = self._journals[code]
            body = {
                "code": code,
                "displayName": choice["name"],
                "balancingAccountId": self._accounts[choice["balancing_account"]],
            }
            row = found[0] if found else self._books.post("customerPaymentJournals", body)
            self._journal_ids[code] = row["id"]
        return self._journal_ids[code]

    def _contacts(self) -> dict[int, dict[str, str]]:
        """Telephone and e-mail of every customer; asked for together, because one by one would be unfairly slow."""
        reach: dict[int, dict[str, str]] = {}
        query: Row = {}
        while True:
            page = self._titan.get("crm/v2/tenant/{tenant}/export/customers/contacts", **query)
            for row in page["data"]:
                if row["active"]:
                    name = "email" if row["type"] == "Email" else "phoneNumber"
                    reach.setdefault(row["customerId"], {}).setdefault(name, row["value"])
            if not page["hasMore"]:
                return reach
            query = {"from": page["continueFrom"]}

    def _pages(self, module: str, name: str) -> Iterator[Row]:
        number, more = 1, True
        while more:
            path = f"{module}/v2/tenant/{{tenant}}/{name}"
            page = self._titan.get(path, page=number, pageSize=PAGE_SIZE)
            yield from page["data"]
            number, more = number + 1, page["hasMore"]


class _Titan(Api):
    tenant = ""

    def get(self, path: str, **query: Any) -> Any:
        """GET a path in which {tenant} stands for the tenant."""
        return super().get(path.replace("{tenant}", self.tenant), **query)


def _servicetitan(section: Row) -> _Titan:
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["STSYNC_SERVICETITAN_CLIENT_ID"],
        "client_secret": os.environ["STSYNC_SERVICETITAN_CLIENT_SECRET"],
    }
    key = {"ST-App-Key": os.environ["STSYNC_SERVICETITAN_APP_KEY"]}
    api = _Titan(section["api_url"], (f"{section['auth_url']}/connect/token", form), key)
    api.tenant = str(section["tenant_id"])
    return api


def _business_central(section: Row) -> Api:
    tenant, environment, company = section["tenant_id"], section["environment"], section["company_id"]
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["STSYNC_BC_CLIENT_ID"],
        "client_secret": os.environ["STSYNC_BC_CLIENT_SECRET"],
        "scope": "https://api.businesscentral.dynamics.com/.default",
    }
    base = f"{section['api_url']}/v2.0/{tenant}/{environment}/api/v2.0/companies({company})"
    return Api(base, (f"{section['authority']}/{tenant}/oauth2/v2.0/token", form))


def main() -> int:
    """Carry the month of one configuration."""
    parser = argparse.ArgumentParser(description="Carry a month as most connectors do: one request after another.")
    parser.add_argument("--config", required=True, type=Path)
    config = yaml.safe_load(parser.parse_args().config.read_text(encoding="utf-8"))
    Month(config).carry()
    return 0


if __name__ == "__main__":
    sys.exit(main())
