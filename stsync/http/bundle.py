"""The file of trusted certificates that the environment names, when it cannot be used."""

from __future__ import annotations

from stsync.errors import UsageError


def unusable_bundle(error: OSError) -> UsageError:
    """What a bare OSError of requests means: it comes before a connection is made, when the named bundle is not there."""
    return UsageError(
        "ca-bundle-unusable",
        "The file of trusted certificates that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names cannot be used.",
        hint="Correct the variable, or take it away; nothing was sent.",
        note=str(error),
    )
