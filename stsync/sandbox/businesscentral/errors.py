"""Errors as Business Central words them: a status, a code, a message (BC facts section 7).

Not modelled: translated messages (Accept-Language), `innererror`, the Error Message Register.
"""

from __future__ import annotations

import uuid


class BcError(Exception):
    """An answer that is an error: `status` and the `code` and `message` of the envelope."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def envelope(self) -> dict[str, object]:
        """The body of the answer, with a fresh correlation id (two blanks before it, a full stop after)."""
        message = f"{self.message}  CorrelationId:  {uuid.uuid4()}."
        return {"error": {"code": self.code, "message": message}}


def dialog(message: str) -> BcError:
    """An error raised by business logic."""
    return BcError(400, "Application_DialogException", message)


def bad_request(message: str) -> BcError:
    """A body or query that cannot be understood."""
    return BcError(400, "BadRequest", message)


def read_only(name: str) -> BcError:
    """A write to a field that the page does not let anybody edit."""
    return BcError(400, "BadRequest_InvalidOperation", f"Control '{name}' is read-only.")


def field_error(message: str) -> BcError:
    """A field that failed a test of the table."""
    return BcError(400, "Application_FieldValidationException", message)


def must_have_value(caption: str, where: str) -> BcError:
    """TestField on an empty field; `where` names the record, such as `Customer: No.=C1`."""
    return field_error(f"{caption} must have a value in {where}. It cannot be zero or empty.")


def must_be_equal(caption: str, wanted: str, where: str, current: str) -> BcError:
    """TestField against a value. The two blanks after the wanted value are the vendor's."""
    return field_error(f"{caption} must be equal to '{wanted}'  in {where}. Current value is '{current}'.")


def invalid_relation(field: str, table: str, value: str, related: str) -> BcError:
    """A code that the related table does not contain."""
    message = (
        f"The field {field} of table {table} contains a value ({value}) "
        f"that cannot be found in the related table ({related})."
    )
    return BcError(400, "Internal_InvalidTableRelation", message)


def record_not_found(caption: str, key: str) -> BcError:
    """A key in the URL that no record has."""
    message = f"The {caption} does not exist. Identification fields and values: Id='{key}'"
    return BcError(404, "Internal_RecordNotFound", message)


def same_key_exists(caption: str, fields: str, status: int = 400) -> BcError:
    """A second record under one key. Facts leave 400 or 409 open; the environment's switch decides."""
    message = f"The {caption} already exists. Identification fields and values: {fields}"
    return BcError(status, "Internal_EntityWithSameKeyExists", message)


def too_long(value: str, length: int) -> BcError:
    """A text longer than its field."""
    message = (
        f"The length of the string is {len(value)}, but it must be less than or equal to "
        f"{length} characters. Value: {value}"
    )
    return BcError(400, "Application_StringExceededLength", message)


def url_not_found(uri: str) -> BcError:
    """A set or function that does not exist."""
    message = f"No HTTP resource was found that matches the request URI '{uri}'."
    return BcError(404, "BadRequest_NotFound", message)


def segment_not_found(segment: str) -> BcError:
    """A navigation that the entity does not have."""
    return BcError(404, "BadRequest_ResourceNotFound", f"Resource not found for the segment '{segment}'.")


def method_not_allowed(method: str, name: str) -> BcError:
    """A verb that the page does not support."""
    message = (
        f"'{method}' requests for '{name}' of EdmType 'Entity' are not allowed within "
        "Dynamics 365 Business Central OData web services."
    )
    return BcError(405, "BadRequest_MethodNotAllowed", message)


def invalid_token() -> BcError:
    """A PATCH whose If-Match is missing or malformed."""
    message = (
        "Could not validate the client concurrency token required by the service. "
        "Please provide a valid token in the client request."
    )
    return BcError(400, "BadRequest_InvalidToken", message)


def entity_changed() -> BcError:
    """A write with a stale ETag: 409, not 412 (BC facts section 8)."""
    return BcError(409, "Request_EntityChanged", "Another user has already changed the record.")


def unauthorised() -> BcError:
    """No token, or one that is not accepted."""
    message = "The server has rejected the client credentials."
    return BcError(401, "Authentication_InvalidCredentials", message)
