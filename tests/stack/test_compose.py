"""docker-compose.yml and Dockerfile as far as they can be checked without an engine."""

import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from include.settings import ROOT
from tests.stack.compose import FILE, render, services
from tests.stack.native import NATIVE, Stack

SERVICES = services({}, profile="demo")
RENDERED = render({})
ONE_SHOT = {name for name, one in SERVICES.items() if one.get("restart") == "no"}
# Whoever has a secret can do what it opens: the services that have it, and no others.
WHO_HAS = {
    "postgres_password": {"postgres"},
    "airflow_db": {"postgres", "migrate", "api-server", "scheduler", "dag-processor", "triggerer"},
    "celery_results": {"postgres", "scheduler", "worker", "retention"},
    "ledger_owner": {"postgres", "migrate", "retention"},
    "ledger_worker": {"postgres", "worker"},
    "ledger_board": {"postgres", "api-server"},
    "ledger_reader": {"postgres", "triggerer"},
    "broker": {"valkey", "scheduler", "worker", "retention"},
    "fernet_key": {"migrate", "api-server", "scheduler", "dag-processor", "triggerer"},
    "api_secret_key": {"api-server"},
    "jwt_secret": {"api-server", "scheduler"},
    "connections.yaml": {"triggerer", "worker", "retention"},
}
each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))


def tool(name: str) -> str:
    return shutil.which(name, path=str(Path(sys.executable).parent)) or name


def test_the_file_is_what_the_compose_specification_allows(tmp_path):
    # YAML's anchors and merges are no matter of the schema; `${…}` is, where a number is wanted.
    for name, written in (("as-it-stands", yaml.safe_load(FILE.read_text())), ("rendered", RENDERED)):
        path = tmp_path / f"{name}.yml"
        path.write_text(yaml.safe_dump(written))
        done = subprocess.run(
            [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", path], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_left_to_be_filled_in_and_no_default_is_a_password():
    text = yaml.safe_dump(RENDERED)
    assert "${" not in text
    for default in re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", FILE.read_text()):
        assert not re.search("PASSWORD|SECRET|KEY|TOKEN|USERS|ADMIN", default[0]), default


@each_service
def test_a_service_has_a_health_check_or_ends(service):
    assert "healthcheck" in service or service["restart"] == "no"


@each_service
def test_a_service_can_do_no_more_than_it_must(service):
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    uid, gid = map(int, service["user"].split(":"))
    assert min(uid, gid) > 0
    assert "privileged" not in service
    assert "cap_add" not in service
    assert service.get("network_mode") is None


@each_service
def test_a_service_has_a_limit_of_memory_and_of_its_logs(service):
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert service["logging"]["options"]["max-size"]


@each_service
def test_an_image_is_pinned_by_a_whole_version(service):
    name, _, version = service["image"].partition(":")
    assert name
    assert re.match(r"\d+\.\d+", version), version


@each_service
def test_only_named_volumes_are_written_to_and_ports_are_this_machines(service):
    for volume in service.get("volumes", []):
        of_the_demo = service.get("profiles") == ["demo"]
        assert volume.split(":")[0] in RENDERED["volumes"] or volume.endswith(":ro") or of_the_demo, volume
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:"), port


@each_service
def test_no_secret_is_in_an_environment_or_a_command(service):
    for name, value in service.get("environment", {}).items():
        if re.search("PASSWORD|SECRET|_KEY|CONN|BROKER_URL|RESULT_BACKEND|LEDGER", name):
            named = ("AIRFLOW__SECRETS__BACKEND", "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES")
            assert "/run/secrets/" in str(value) or name in named, name
        assert not re.search(r"://[^/\s]*:[\w-]+@", str(value)), name
    assert not re.search(r"://[^/\s]*:[\w-]+@", str(service.get("command")))


def test_each_secret_is_a_file_and_goes_to_whom_it_is_for():
    assert all(one["file"] == f"secrets/{name}" for name, one in RENDERED["secrets"].items())
    has = {
        secret: {name for name, one in SERVICES.items() if secret in one.get("secrets", [])}
        for secret in RENDERED["secrets"]
    }
    assert has == WHO_HAS


def test_a_secret_that_a_service_reads_is_one_that_it_has():
    for name, service in SERVICES.items():
        # An init script reads its own; what it reads is seen when the stack is started.
        said = json.dumps([service.get("environment", {}), service.get("command"), service.get("healthcheck")])
        read = set(re.findall(r"/run/secrets/([a-z_]+(?:\.yaml)?)", said))
        assert read <= set(service.get("secrets", [])), name


def test_the_data_folder_is_where_names_are_needed_and_nowhere_else():
    mounted = {
        name: volume.endswith(":ro")
        for name, one in SERVICES.items()
        for volume in one.get("volumes", [])
        if volume.startswith("data:")
    }
    assert mounted == {"worker": False, "retention": False, "api-server": True}


def test_as_much_is_queued_as_all_workers_can_run():
    worker, scheduler = SERVICES["worker"], SERVICES["scheduler"]
    slots = worker["deploy"]["replicas"] * int(worker["environment"]["AIRFLOW__CELERY__WORKER_CONCURRENCY"])
    slots += int(re.search(r"--concurrency (\d+)", SERVICES["retention"]["command"])[1])
    assert int(scheduler["environment"]["AIRFLOW__CORE__PARALLELISM"]) == slots


def test_celery_keeps_what_a_killed_worker_had():
    for name in ("scheduler", "worker", "retention"):
        said = SERVICES[name]["environment"]
        assert said["AIRFLOW__CELERY__TASK_ACKS_LATE"] == "True"
        assert said["AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER"] == "1"
    # The scheduler is sooner than the broker.
    said = SERVICES["scheduler"]["environment"]
    silence = int(said["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"])
    assert silence < int(said["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"])


def test_the_demos_servers_are_healthy_with_what_is_prepared_for_them(tmp_path):
    prepare = runpy.run_path(str(ROOT / "deploy" / "demo.py"))["prepare"]
    connections = tmp_path / "connections.yaml"
    connections.write_text("{}")
    variables = prepare(tmp_path / "demo", connections)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", variables["AVR_DEMO_USER"])
    named = {one["host"] for one in json.loads(connections.read_text()).values() if "host" in one}
    assert named == {"servers"}
    with pytest.raises(FileExistsError, match="may be in use"):
        prepare(tmp_path / "another", connections)
    service = services(variables, profile="demo")["servers"]
    # Nobody else is to hear it while it is tested.
    configuration = tmp_path / "demo" / "keys" / "servers.json"
    said = json.loads(configuration.read_text())
    assert said.pop("host") == "0.0.0.0"
    configuration.write_text(json.dumps(said))
    environment = {"PATH": str(Path(sys.executable).parent), "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        shlex.split(service["command"]), cwd=ROOT, env=environment, stdout=subprocess.PIPE,
        executable=sys.executable,
    )  # fmt: skip
    try:
        assert running.stdout.readline(), "its ports, once it listens"
        check = shlex.split(service["healthcheck"]["test"])
        assert subprocess.run(check, executable=sys.executable, env=environment).returncode == 0
    finally:
        running.terminate()
        running.wait()
    assert subprocess.run(check, executable=sys.executable, env=environment, stderr=subprocess.DEVNULL).returncode != 0


def test_natively_nothing_differs_but_what_is_said_to_differ(tmp_path):
    stack = Stack(tmp_path)
    try:
        for part, name in stack.parts.items():
            said = {key: str(value) for key, value in SERVICES[name].get("environment", {}).items()}
            native = stack.environment_of(part)
            for key, value in said.items():
                wanted = NATIVE.get(key) or stack.native(part, value)
                assert native[key] == wanted, (part, key)
                # Paths, ports and host names alone are other ones.
                if key not in NATIVE and not re.search(r"[/:]|\d{4}", value):
                    assert native[key] == value, (part, key)
        assert set(NATIVE) == {"AIRFLOW__API__HOST", "AIRFLOW__FAB__COOKIE_SECURE"}
    finally:
        stack.__exit__()


def test_the_dockerfile_has_nothing_that_its_linter_finds():
    done = subprocess.run([tool("hadolint"), "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_pinned_installs_by_hash_and_runs_as_nobody_of_the_machine():
    text = (ROOT / "Dockerfile").read_text()
    for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base), base
    last = text.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (.+)$", last, re.MULTILINE)[-1] == SERVICES["worker"]["user"]
    assert not re.search(r"(curl|wget)\b|ADD ", text)
    assert "make install" in text
    assert "--require-hashes" in (ROOT / "Makefile").read_text()


def test_what_the_image_copies_is_let_through_and_there():
    let_through = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(Path(source).match(pattern) for pattern in let_through), source


def test_every_role_of_the_file_has_the_boards_own_resources_and_no_right_to_change_roles():
    from notification_board.guard import RESOURCES

    roles: dict[str, set[tuple[str, str]]] = {}
    for entry in json.loads((ROOT / "deploy" / "roles.json").read_text()):
        roles.setdefault(entry["name"], set()).update(
            (action, entry["resource"]) for action in entry["action"].split(",")
        )
    has = {
        name: {what for what, resource in RESOURCES.items() if ("can_read", resource) in may}
        for name, may in roles.items()
    }
    assert has == {
        "AVR watcher": {"watcher"},
        "AVR reviewer": {"watcher", "reviewer"},
        "AVR auditor": {"watcher", "auditor"},
    }
    for name, may in roles.items():
        changes = {(action, resource) for action, resource in may if action not in ("can_read", "menu_access")}
        allowed = {("can_edit", "My Password")} | ({("can_edit", "HITL Detail")} if name == "AVR reviewer" else set())
        assert changes == allowed, name


def test_the_celery_that_is_locked_is_one_that_airflows_provider_can_use():
    loaded = "import airflow.providers.celery.executors.celery_executor, airflow.providers.celery.cli.celery_command"
    subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True)
