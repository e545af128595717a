"""The checklist's own rules: what a list comes to, clocks, places of the state file, tokens."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stsync.errors import CredentialsError, ExitCode, LockHeld, SystemUnavailable, UsageError
from stsync.setup import clock
from stsync.setup.businesscentral_checks import token_claims
from stsync.setup.checks import exit_code, fail, ok, problem, unknown, warn
from stsync.setup.state_checks import budget_check, place_check, state_checks
from stsync.state import Pin
from stsync.state.place import Place, place_of

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
PIN = Pin("1", "integration", "tenant", "sandbox", "company", "Company")
MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
//files/shared /mnt/a\\040b cifs rw 0 0
me@there: /mnt/far fuse.sshfs rw 0 0
"""


def test_warnings_and_unknowns_alone_are_no_failure() -> None:
    checks = [ok("clock", "a", ""), warn("clock", "b", "", "look"), unknown("clock", "c", "")]
    assert exit_code(checks) is ExitCode.OK


def test_the_configuration_comes_before_the_login_and_the_login_before_a_system_that_is_down() -> None:
    plain = fail("journals", "x", "", "mend")
    config = problem("config", "x", UsageError("r", "m"))
    login = problem("ServiceTitan", "x", CredentialsError("r", "m"))
    down = problem("ServiceTitan", "x", SystemUnavailable("r", "m"))
    assert exit_code([plain]) == 3
    assert exit_code([plain, down]) == 69
    assert exit_code([plain, down, login]) == 77
    assert exit_code([plain, down, login, config]) == 2


def test_the_vendors_words_stand_beside_ours() -> None:
    check = problem("ServiceTitan", "login", CredentialsError("r", "Refused.", hint="Do this.", note="AADSTS7000215"))
    assert (check.found, check.todo) == ("Refused. They said: AADSTS7000215", "Do this.")


def test_an_error_without_an_exit_code_of_the_list_counts_as_a_plain_failure() -> None:
    assert problem("state", "x", LockHeld("r", "m")).ends_with == 3


@pytest.mark.parametrize(
    ("minutes", "by_certificate", "status"),
    [
        (0, False, "ok"),
        (2, True, "ok"),
        (-2, True, "ok"),
        (3, True, "warn"),
        (-6, False, "warn"),
        (6, True, "fail"),
        (-6, True, "fail"),
    ],
)
def test_a_clock_is_judged_by_what_breaks(minutes: int, by_certificate: bool, status: str) -> None:
    check = clock.judged("Somebody", NOW + timedelta(minutes=minutes), NOW, by_certificate=by_certificate)
    assert check.status == status


def test_a_clock_says_in_which_direction_it_is_wrong() -> None:
    assert "slow" in clock.judged("x", NOW + timedelta(minutes=3), NOW, by_certificate=False).found
    assert "fast" in clock.judged("x", NOW - timedelta(minutes=3), NOW, by_certificate=False).found


def test_a_server_that_does_not_tell_the_time_leaves_it_unknown() -> None:
    assert clock.judged("x", None, NOW, by_certificate=True).status == "unknown"


@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/var/lib/stsync.db", ""),
        ("/home/anna/stsync.db", "a nfs4 drive"),
        ("/home/local/stsync.db", ""),
        ("/mnt/a b/stsync.db", "a cifs drive"),
        ("/mnt/far/stsync.db", "a fuse.sshfs drive"),
    ],
)
def test_a_network_drive_is_told_by_the_mount_that_holds_the_file(path: str, network: str) -> None:
    assert place_of(Path(path), MOUNTS).network == network


@pytest.mark.parametrize(
    "folder", ["OneDrive - Contoso", "Dropbox", "Dropbox (Contoso)", "Google Drive", "Mobile Documents", "Nextcloud"]
)
def test_a_synchronised_folder_fails(folder: str) -> None:
    path = Path("/data") / folder / "stsync.db"
    check = place_check(path, place_of(path, MOUNTS))
    assert check.status == "fail"
    assert folder in check.found


def test_a_folder_that_only_contains_such_a_word_is_fine() -> None:
    assert place_of(Path("/data/my-dropbox-export/stsync.db"), MOUNTS) == Place(file_system="ext4")


def test_a_windows_share_is_a_network_drive() -> None:
    assert "\\\\files\\shared" in place_of(Path("\\\\files\\shared\\stsync.db"), None).network


def test_where_the_system_does_not_tell_the_disk_is_unknown() -> None:
    assert place_check(Path("/x"), place_of(Path("/x/stsync.db"), None)).status == "unknown"


def test_a_state_file_that_is_not_there_yet_is_fine_where_it_can_be_made(tmp_path: Path) -> None:
    checks = {check.name: check for check in state_checks(tmp_path / "later" / "stsync.db", PIN)}
    assert checks["state file"].status == "ok"
    assert not (tmp_path / "later").exists()


def test_a_state_file_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checks = {check.name: check for check in state_checks(tmp_path / "file" / "stsync.db", PIN)}
    assert checks["state file"].status == "fail"


@pytest.mark.parametrize(("named", "status"), [(True, "fail"), (False, "warn")])
def test_a_folder_in_which_runs_cannot_share_their_limits_is_told(tmp_path: Path, named: bool, status: str) -> None:
    (tmp_path / "file").write_text("")
    assert budget_check(tmp_path / "file" / "budget", named=named).status == status
    assert budget_check(tmp_path / "later", named=named).status == "ok"
    assert not (tmp_path / "later").exists()


def test_a_token_is_read_only_where_it_is_readable() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"roles": ["API.ReadWrite.All"]}).encode()).decode().rstrip("=")
    assert token_claims(f"a.{claims}.c") == {"roles": ["API.ReadWrite.All"]}
    for opaque in ("", "opaque", "a.%%%.c", "a.bm90IGpzb24.c", "a.W10.c"):
        assert token_claims(opaque) == {}
