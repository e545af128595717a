"""What became of a request, in kinds that must never be mixed up.

Refused          the server said no; nothing happened
NotProcessed     surely not processed, and still so after every repetition (a SystemUnavailable)
OutcomeUnknown   sent, but no trustworthy answer: look before anything is repeated
"""

from __future__ import annotations

from typing import ClassVar

from stsync.errors import ExitCode, StsyncError, SystemUnavailable


class Refused(StsyncError):
    """The server understood and said no; nothing was changed. `code` is empty when the answer had no envelope.

    Left uncaught, it was a question that every run asks: the run ends as with an unavailable system.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.UNAVAILABLE

    def __init__(
        self, status: int, code: str, text: str, correlation_id: str = "", *, system: str = "The system"
    ) -> None:
        super().__init__(
            "refused",
            f"{system} refused the request.",
            hint="The vendor's words say why. Run: stsync doctor",
            note=text,
            context={"status": str(status), "code": code, "correlation id": correlation_id},
        )
        self.status = status
        self.code = code
        self.text = text
        self.correlation_id = correlation_id
        self.system = system


class NotProcessed(SystemUnavailable):
    """A write that surely never happened: never connected, or turned away by the throttle every time."""


class OutcomeUnknown(StsyncError):
    """A write that may or may not have happened; only a look into the system can tell.

    Left uncaught, the run ends as with an unavailable system. It is no SystemUnavailable itself, so that
    nobody who handles "nothing happened" handles this by mistake.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.UNAVAILABLE

    def __init__(self, text: str, *, system: str = "The system", context: dict[str, str] | None = None) -> None:
        super().__init__(
            "outcome-unknown",
            f"{system} was asked to write, and gave no answer that can be trusted.",
            hint="Nothing is repeated blindly: the next run looks first whether it happened.",
            note=text,
            context=context,
        )
        self.text = text
