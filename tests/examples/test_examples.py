"""The examples for Kubernetes and Airflow: held against recorded schemas and signatures, and against our own commands.

`make examples` holds them against the libraries themselves, and records what is used here.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest
import typer.main
import yaml

from stsync.cli.app import app
from stsync.config.load import load
from stsync.credentials.names import SECRETS
from stsync.errors import ExitCode

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "docs" / "examples"
KUBERNETES = json.loads((HERE / "kubernetes.json").read_text(encoding="utf-8"))
AIRFLOW = json.loads((HERE / "airflow.json").read_text(encoding="utf-8"))


def parsed(words: list[str]) -> dict[str, Any]:
    """What our own command line makes of these words; raises if it does not know one of them."""
    group: Any = typer.main.get_command(app)
    with group.make_context("stsync", [], resilient_parsing=True) as context:
        name, command, rest = group.resolve_command(context, words)
        return dict(command.make_context(name, rest, parent=context).params)


def documents() -> list[dict[str, Any]]:
    files = sorted((EXAMPLES / "kubernetes").glob("*.yaml"))
    return [one for file in files for one in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def of_kind(kind: str) -> dict[str, Any]:
    return next(one for one in documents() if one["kind"] == kind)


def problems(document: dict[str, Any]) -> list[str]:
    """What is wrong by the strict schema of the document's kind."""
    schema = {**KUBERNETES["kinds"][document["kind"]], "$defs": KUBERNETES["$defs"]}
    return [one.message for one in jsonschema.Draft202012Validator(schema).iter_errors(document)]


def test_an_option_that_we_do_not_have_is_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        parsed(["sync", "--loud"])


# --- Kubernetes -----------------------------------------------------------------------------------------------------


def test_every_kubernetes_document_is_valid() -> None:
    assert {one["kind"] for one in documents()} == set(KUBERNETES["kinds"])
    assert [problems(one) for one in documents()] == [[]] * len(documents())


def test_a_field_that_kubernetes_does_not_have_is_found() -> None:
    job = copy.deepcopy(of_kind("CronJob"))
    job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["restart"] = "Never"
    assert problems(job) != []


def test_every_kubernetes_command_is_one_of_ours() -> None:
    job = of_kind("CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert job["command"][0] == "stsync"
    assert parsed(job["command"][1:])["quiet"] is True
    typed = [line for file in (EXAMPLES / "kubernetes").iterdir() for line in file.read_text().splitlines()]
    commands = [found.group(1).split() for line in typed if (found := re.search(r"-- stsync ([a-z -]+)$", line))]
    assert commands
    assert all(parsed(words) is not None for words in commands)


def test_every_exit_code_has_one_rule_that_says_whether_a_repetition_helps() -> None:
    rules = of_kind("CronJob")["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    actions = {code: rule["action"] for rule in rules for code in rule.get("onExitCodes", {}).get("values", ())}
    assert set(actions) == {int(code) for code in ExitCode} - {0}
    assert {code for code, action in actions.items() if action == "Count"} == {ExitCode.UNAVAILABLE, ExitCode.LOCKED}
    assert {rule["onExitCodes"]["containerName"] for rule in rules if "onExitCodes" in rule} == {"stsync"}


def test_the_configuration_in_the_config_map_loads_and_its_state_lies_on_the_volume(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(of_kind("ConfigMap")["data"]["config.yaml"])
    config = load(tmp_path / "config.yaml")
    pod = of_kind("CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    mounts = {one["name"]: one["mountPath"] for one in pod["containers"][0]["volumeMounts"]}
    assert str(config.state).startswith(mounts["state"])
    assert config.business_central.concurrent_requests <= 5 // 4
    assert config.business_central.requests_per_five_minutes * 4 <= 6000


def test_the_secret_holds_the_variables_that_we_read() -> None:
    needed = [one.variable for one in SECRETS if one.system != "Webhook" and "passphrase" not in one.name]
    assert list(of_kind("Secret")["stringData"]) == needed


def test_what_one_kubernetes_document_names_another_has() -> None:
    names = {(one["kind"], one["metadata"]["name"]) for one in documents()}
    text = json.dumps([of_kind("CronJob"), of_kind("Pod")])
    assert {("Secret", name) for name in re.findall(r'"secretRef": {"name": "([^"]+)"', text)} <= names
    assert {("ConfigMap", name) for name in re.findall(r'"configMap": {"name": "([^"]+)"', text)} <= names
    assert {("PersistentVolumeClaim", name) for name in re.findall(r'"claimName": "([^"]+)"', text)} <= names


# --- Airflow --------------------------------------------------------------------------------------------------------


class Refuses:
    """Takes the arguments that Airflow's own class takes, by its recorded signature, and no other."""

    recorded = ""

    def __init__(self, **given: Any) -> None:
        unknown = set(given) - set(AIRFLOW[self.recorded])
        assert not unknown, f"{self.recorded} of Airflow {AIRFLOW['version']} has no {', '.join(sorted(unknown))}"
        self.given = given

    def __enter__(self) -> Refuses:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Dag(Refuses):
    recorded = "DAG"

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        unknown = set(given.get("default_args", ())) - set(AIRFLOW["BaseOperator"])
        assert not unknown, f"a task has no {unknown}"


class Group(Refuses):
    recorded = "TaskGroup"


class Operator(Refuses):
    recorded = "BaseOperator"
    made: ClassVar[list[Any]] = []

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.made.append(self)
        self.after: list[Any] = []

    def set_downstream(self, task: Any) -> None:
        task.after.append(self)


class Hook:
    """Runs nothing; the exit code is given."""

    code = 0

    def run_command(self, command: list[str]) -> Any:
        assert "command" in AIRFLOW["SubprocessHook.run_command"]
        return types.SimpleNamespace(exit_code=self.code, command=command)


class Repeated(Exception):
    pass


class Failed(Repeated):
    pass


@pytest.fixture
def dag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the DAG for two companies, loaded where Airflow is only its signatures."""
    for name in ("east.yaml", "west.yaml"):
        (tmp_path / name).touch()
    monkeypatch.setenv("STSYNC_COMPANIES", str(tmp_path))
    contents: dict[str, dict[str, Any]] = {
        "airflow": {},
        "airflow.providers": {},
        "airflow.providers.standard": {},
        "airflow.providers.standard.hooks": {},
        "airflow.providers.standard.hooks.subprocess": {"SubprocessHook": Hook},
        "airflow.sdk": {"DAG": Dag, "BaseOperator": Operator, "TaskGroup": Group},
        "airflow.sdk.exceptions": {"AirflowException": Repeated, "AirflowFailException": Failed},
    }
    for name, members in contents.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(Operator, "made", [])
    spec = importlib.util.spec_from_file_location("stsync_dag", EXAMPLES / "airflow" / "stsync_dag.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_company_has_its_stages_in_order_and_then_what_is_held(dag: Any) -> None:
    wanted = ["sync-customers", "sync-invoices", "sync-payments", "push-pricebook", "held"]
    assert [one.given["task_id"] for one in Operator.made] == wanted * 2
    for following, before in zip(Operator.made[1:5], Operator.made[:4], strict=True):
        assert following.after == [before]
    assert Operator.made[5].after == []


def test_every_task_of_the_dag_is_a_command_of_ours(dag: Any, tmp_path: Path) -> None:
    for task in Operator.made:
        options = parsed(task.words)
        assert options["quiet"] is True
        assert options["config"].parent == tmp_path


def test_only_what_a_repetition_may_mend_is_repeated(dag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, held = Operator.made[0], Operator.made[4]
    endings = {}
    for code in ExitCode:
        monkeypatch.setattr(Hook, "code", int(code))
        endings[code] = (ending(stage), ending(held))
    assert endings.pop(ExitCode.OK) == ("passes", "passes")
    assert endings.pop(ExitCode.HELD) == ("passes", "Failed")
    assert {endings.pop(ExitCode.UNAVAILABLE), endings.pop(ExitCode.LOCKED)} == {("Repeated", "Repeated")}
    assert set(endings.values()) == {("Failed", "Failed")}


def ending(task: Any) -> str:
    try:
        task.execute({})
    except Repeated as error:
        return type(error).__name__
    return "passes"
