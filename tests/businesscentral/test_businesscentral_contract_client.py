"""The client against the simulator, over a socket: what it sends is what a strict server takes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from requests.auth import AuthBase

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, any_of, compare, entity, service_root
from stsync.businesscentral.problems import reason_for
from stsync.errors import UsageError
from stsync.http.outcomes import Refused
from stsync.http.session import Session
from stsync.sandbox.businesscentral import Environment, app
from stsync.sandbox.serve import served


class Token(AuthBase):
    def __call__(self, request):
        request.headers["Authorization"] = "Bearer token"
        return request


@pytest.fixture
def books() -> Iterator[BusinessCentral]:
    environment = Environment()
    environment.create_company("CRONUS")
    with served(app(environment, lambda _: "sync")) as base:
        session = Session("Business Central", auth=Token(), per_second=1000, concurrent=4)
        root = service_root(base, environment.tenant_id, environment.name)
        found = BusinessCentral(session, root, str(uuid.uuid4())).companies()
        yield BusinessCentral(session, root, found[0]["id"])
        session.close()


def test_a_customer_is_created_changed_read_and_deleted(books):
    made = books.create("customers", {"number": "ST1", "displayName": "O'Brien & Co + 1"}).body
    path = entity("customers", made["id"])
    assert books.read(Read("customers", filter=compare("displayName", "eq", "O'Brien & Co + 1")))[0]["id"] == made["id"]
    changed = books.update(path, {"city": "Akron"}, made["@odata.etag"]).body
    with pytest.raises(Refused) as caught:
        books.update(path, {"city": "Ohio"}, made["@odata.etag"])
    assert reason_for(caught.value).reference == "changed-meanwhile"
    books.delete(path, changed["@odata.etag"])
    assert books.one(path) is None


def test_a_batch_and_single_reads_agree(books):
    for number in ("ST1", "ST2", "ST3"):
        books.create("customers", {"number": number, "displayName": f"Customer {number}"})
    reads = [
        Read("customers", filter=any_of("number", ["ST1", "ST3"]), select=("number",), orderby="number"),
        Read("dimensions"),
        Read("customers", filter=compare("number", "eq", "NONE")),
    ]
    before = books.session.counts["POST"]
    rows = books.read_many(reads)
    assert [row["number"] for row in rows[0]] == ["ST1", "ST3"]
    assert rows[2] == []
    assert (books.session.counts["BATCH"], books.session.counts["POST"]) == (1, before)
    assert [len(each) for each in rows] == [len(books.read(read)) for read in reads]


def test_a_refusal_arrives_with_its_reason(books):
    with pytest.raises(Refused) as caught:
        books.create("customers", {"number": "ST1"})
    assert reason_for(caught.value).reference == "name-missing"


def test_a_wrong_company_is_told_apart(books):
    stranger = BusinessCentral(books.session, books._root, str(uuid.uuid4()))
    with pytest.raises(UsageError):
        stranger.read(Read("customers"))
