"""Every night: for each company its customers, then invoices, then payments, then the pricebook; then what is held.

Copy this file into the dags folder. It was checked with the Airflow version that stands in docs/many-companies.md.

- A pool called `business_central` keeps the companies within the limits of the application that they share
  (airflow pools set business_central 4 "stsync"): one slot for each company's stage that is under way.
- The state files are on the worker's own disk: with several workers, give `stsync` a queue that only one of them serves.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, BaseOperator, TaskGroup
from airflow.sdk.exceptions import AirflowException, AirflowFailException

PROGRAM = os.environ.get("STSYNC_PROGRAM", "stsync")
COMPANIES = Path(os.environ.get("STSYNC_COMPANIES", "/etc/stsync/books"))
STAGES = ("sync-customers", "sync-invoices", "sync-payments", "push-pricebook")

HELD = 3
# A system is down, or another run is at work: the same command later may do. Nothing else gets better by itself.
WORTH_REPEATING = (69, 75)


class Stsync(BaseOperator):
    """Runs one stsync command for one company, without a shell, and lets its exit code decide."""

    def __init__(self, *, command: str, config: str, passes: tuple[int, ...] = (0,), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = [command, "--quiet", "--config", config]
        self.passes = passes
        self.hook: SubprocessHook | None = None

    def execute(self, context: Any) -> int:
        """The exit code, where it is one that lets the company go on."""
        self.hook = SubprocessHook()
        code = self.hook.run_command([PROGRAM, *self.words]).exit_code
        if code in self.passes:
            return code
        said = f"stsync {' '.join(self.words)} ended with {code}"
        if code in WORTH_REPEATING:
            raise AirflowException(said)
        raise AirflowFailException(said)

    def on_kill(self) -> None:
        """A run may be killed at any moment: the next one goes on from what was sent."""
        if self.hook is not None:
            self.hook.send_sigterm()


with DAG(
    dag_id="stsync",
    description="ServiceTitan into Business Central, company by company",
    schedule="30 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    # Two runs of one company would only stop each other (exit code 75).
    max_active_runs=1,
    default_args={
        "retries": 3,
        "retry_delay": timedelta(minutes=10),
        "pool": "business_central",
        "execution_timeout": timedelta(hours=4),
    },
) as dag:
    for file in sorted(COMPANIES.glob("*.yaml")):
        with TaskGroup(group_id=file.stem):
            before: Stsync | None = None
            for stage in STAGES:
                # Held records are told once, at the end; they keep no later stage from running.
                task = Stsync(task_id=stage, command=stage, config=str(file), passes=(0, HELD))
                if before is not None:
                    before.set_downstream(task)
                before = task
            # Fails while records are held, so that the bookkeeper is told; a repetition would not change that.
            held = Stsync(task_id="held", command="held", config=str(file))
            if before is not None:
                before.set_downstream(held)
