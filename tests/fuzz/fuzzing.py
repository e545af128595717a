"""How many examples, and which: the same few in every `make test`, so that a red build is a change's own fault; new and
many in every `make fuzz`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

MANY = "STSYNC_FUZZ_EXAMPLES"

fuzzed = settings(
    max_examples=int(os.environ.get(MANY, "40")),
    deadline=None,
    derandomize=MANY not in os.environ,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
