"""Every delivery is a hint at most; none is a crash."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signed_deliveries import cloud_event

from stsync.listener.deliveries import NotADelivery, read


def test_a_cloud_event_names_its_invoice_and_its_occurrence():
    hint = read(cloud_event(82000012, "occurrence-1"))
    assert (hint.kind, hint.source_id, hint.occurrence, hint.tenant) == (
        "invoices",
        "82000012",
        "occurrence-1",
        "985798691",
    )


@pytest.mark.parametrize(
    ("body", "kind", "source_id"),
    [
        ({"event": "invoice.created", "data": {"id": 7}}, "invoices", "7"),
        ({"eventType": "invoice.updated", "invoiceId": "8"}, "invoices", "8"),
        ({"type": "payment.created", "payment": {"id": 9, "total": 5}}, "payments", "9"),
        ({"event": "payment.created", "data": {"paymentId": 10}}, "payments", "10"),
        ({"event": "customer.updated", "data": {"customer": {"id": 11}}}, "customers", "11"),
        ({"type": "tn.jpm.job-completed", "data": {"job": {"id": 12}}}, "", ""),
        ({"event": "invoice.created", "data": {"id": "1; DROP TABLE hints"}}, "invoices", ""),
        ({"event": "invoice.created", "data": {"id": True}}, "invoices", ""),
        ({"event": "invoice.created", "data": {"id": 10**30}}, "invoices", ""),
        ({}, "", ""),
    ],
)
def test_older_and_unknown_bodies_are_hints_too(body, kind, source_id):
    hint = read(json.dumps(body).encode())
    assert (hint.kind, hint.source_id) == (kind, source_id)


def test_the_delivery_id_is_not_the_record_nor_the_occurrence():
    body = {"type": "tn.acc.invoice-updated", "id": "123", "data": {"invoice": {"id": 5}}}
    hint = read(json.dumps(body).encode())
    assert hint.source_id == "5"
    assert hint.occurrence != "123"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"{", b"\xff\xfe", b"[" * 100_000, b'{"id":' + b"9" * 10_000 + b"}"]
)
def test_what_is_no_json_object_is_refused_and_nothing_more(body):
    try:
        hint = read(body)
    except NotADelivery:
        return
    assert hint.source_id == ""


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["id", "type", "data", "event", "invoice", "tenantId", "userassignedid"]), inner
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_whatever_ends_in_a_crash(content):
    try:
        hint = read(json.dumps(content).encode())
    except NotADelivery:
        return
    assert hint.source_id == "" or hint.source_id.isdigit()
