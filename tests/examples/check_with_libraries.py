"""Holds the examples of the guide against the real libraries: `make examples`, which installs them apart.

Airflow and the schemas of Kubernetes are too large for the environment in which everything else is tested (a third of a
gigabyte). So this program runs where they are, and `--record` leaves what `make test` needs of them in tests/examples.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import sys
import tempfile
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "docs" / "examples"
KINDS = {
    "CronJob": "cronjob-batch-v1",
    "ConfigMap": "configmap-v1",
    "PersistentVolumeClaim": "persistentvolumeclaim-v1",
    "Pod": "pod-v1",
    "Secret": "secret-v1",
}
STAND_IN = "#!/bin/sh\nexit $(cat {folder}/code)\n"


def main() -> None:
    """Check everything; with --record, write down the signatures and schemas too."""
    folder = Path(tempfile.mkdtemp())
    program = folder / "stsync"
    program.write_text(STAND_IN.format(folder=folder))
    program.chmod(0o700)
    for name in ("west", "east"):
        (folder / f"{name}.yaml").touch()
    os.environ.update(AIRFLOW_HOME=str(folder), STSYNC_PROGRAM=str(program), STSYNC_COMPANIES=str(folder))
    signatures = check_airflow(folder)
    schemas = check_kubernetes()
    for name, found in (("airflow.json", signatures), ("kubernetes.json", schemas)):
        recorded = HERE / name
        if "--record" in sys.argv:
            recorded.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        elif json.loads(recorded.read_text(encoding="utf-8")) != found:
            print(f"note: {name} was recorded from another version; make examples RECORD=--record renews it")
    print(f"The examples stand: Airflow {signatures['version']}, Kubernetes {schemas['version']}.")


def check_airflow(folder: Path) -> dict[str, Any]:
    """Load the DAG, look at its tasks, and run one with each exit code. The signatures that it uses."""
    dag = _loaded(EXAMPLES / "airflow" / "stsync_dag.py").dag
    wanted = ["sync-customers", "sync-invoices", "sync-payments", "push-pricebook", "held"]
    for company in ("west", "east"):
        task = dag.get_task(f"{company}.sync-customers")
        chain = [task.label]
        while task.downstream_task_ids:
            (following,) = task.downstream_task_ids
            task = dag.get_task(following)
            chain.append(task.label)
        assert chain == wanted, chain
    stage, held = dag.get_task("west.sync-invoices"), dag.get_task("west.held")
    endings = {code: (_ended(stage, folder, code), _ended(held, folder, code)) for code in (0, 1, 2, 3, 4, 69, 75, 77)}
    assert endings.pop(0) == ("0", "0")
    assert endings.pop(3) == ("3", "AirflowFailException")
    assert {endings.pop(code) for code in (69, 75)} == {("AirflowException", "AirflowException")}
    assert set(endings.values()) == {("AirflowFailException", "AirflowFailException")}
    return _signatures()


def _ended(task: Any, folder: Path, code: int) -> str:
    (folder / "code").write_text(str(code))
    try:
        return str(type(task).execute(task, {}))
    except Exception as error:
        return type(error).__name__


def _loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _signatures() -> dict[str, Any]:
    from airflow.providers.standard.hooks.subprocess import SubprocessHook
    from airflow.sdk import DAG, BaseOperator, TaskGroup

    def names(called: Any) -> list[str]:
        parameters = inspect.signature(called).parameters.values()
        return sorted(one.name for one in parameters if one.name != "self" and one.kind is not one.VAR_KEYWORD)

    return {
        "version": version("apache-airflow"),
        "DAG": names(DAG.__init__),
        "BaseOperator": names(inspect.unwrap(BaseOperator.__init__)),
        "TaskGroup": names(TaskGroup.__init__),
        "SubprocessHook.run_command": names(SubprocessHook.run_command),
    }


def check_kubernetes() -> dict[str, Any]:
    """Validate each document strictly. The schemas that they need, without their descriptions."""
    newest = kubernetes_validate.latest_version()
    for file in sorted((EXAMPLES / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            kubernetes_validate.validate(document, newest, strict=True)
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{newest}-local-strict"
    everything = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))["$defs"]
    kinds = {kind: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for kind, name in KINDS.items()}
    needed: dict[str, Any] = {}
    asked = [name for schema in kinds.values() for name in _referred(schema)]
    while asked:
        name = asked.pop()
        if name not in needed:
            needed[name] = everything[name]
            asked.extend(_referred(everything[name]))
    return {"version": newest, "$defs": _bare(needed), "kinds": _bare(kinds)}


def _referred(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"].rsplit("/", 1)[-1]] if isinstance(schema.get("$ref"), str) else []
        return own + [name for value in schema.values() for name in _referred(value)]
    return [name for value in schema for name in _referred(value)] if isinstance(schema, list) else []


def _bare(schema: Any) -> Any:
    """Without descriptions, and with references inside the document itself."""
    if isinstance(schema, list):
        return [_bare(value) for value in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _bare(value) for key, value in schema.items() if not (key == "description" and isinstance(value, str))}
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = "#/$defs/" + kept["$ref"].rsplit("/", 1)[-1]
    return kept


if __name__ == "__main__":
    main()
