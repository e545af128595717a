"""The settings module: business units. Not modelled: employees, technicians, tags, user roles."""

from __future__ import annotations

from stsync.sandbox.servicetitan import views
from stsync.sandbox.servicetitan.listing import Listing
from stsync.sandbox.servicetitan.parameters import contains
from stsync.sandbox.servicetitan.routes import Endpoint, feed_endpoint, list_endpoint, row_endpoint

_SCOPE = "tn.stt.businessunits"
_GUID = frozenset({"externalDataApplicationGuid"})


def endpoints() -> list[Endpoint]:
    """All endpoints of the module."""
    shown = views.with_external_data("business_units")
    listing = Listing("business_units", (contains("name", "name"),), render=shown, extra=_GUID)
    return [
        list_endpoint("settings", "business-units", _SCOPE, listing),
        row_endpoint("settings", "business-units/{id}", _SCOPE, "business_units", shown, parameters=_GUID),
        feed_endpoint("settings", "export/business-units", _SCOPE, "business_units"),
    ]
