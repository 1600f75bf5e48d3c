"""deploy/kubernetes/values.yaml says what docker-compose.yml says, and what the official Airflow chart takes.

The chart is not ours to keep here. With `AIRFLOW_CHART=…/airflow`, an unpacked chart, the values are held to its schema;
with `HELM=helm` too, it is rendered, and what it makes of them is looked at.
"""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.settings import ROOT
from tests.stack.compose import services

FILE = ROOT / "deploy" / "kubernetes" / "values.yaml"
VALUES = yaml.safe_load(FILE.read_text())
COMPOSE = {name: one for name, one in services({}).items() if one["image"].startswith("avr-notifications")}
PARTS = {
    "migrate": VALUES["migrateDatabaseJob"],
    "api-server": VALUES["apiServer"],
    "scheduler": VALUES["scheduler"],
    "dag-processor": VALUES["dagProcessor"],
    "triggerer": VALUES["triggerer"],
    "worker": VALUES["workers"]["celery"],
    "retention": VALUES["workers"]["celery"]["sets"][0],
}
DIFFERS = {
    "AIRFLOW__CORE__EXECUTOR": "the chart's `executor`",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "the chart names its own service",
    "AIRFLOW__CORE__PARALLELISM": "as many workers as KEDA may start",
    "AIRFLOW__METRICS__STATSD_ON": "the chart's `statsd`",
    "AIRFLOW__METRICS__STATSD_HOST": "the chart's `statsd`",
    "AIRFLOW__METRICS__STATSD_PORT": "the chart's `statsd`",
    "AIRFLOW__API__BASE_URL": "the ingress's host",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "said on the command line for retention",
}
PODS = {part: f"avr-{part}" for part in PARTS} | {
    "migrate": "avr-run-airflow-migrations",
    "retention": "avr-worker-retention",
}
"""What the chart calls each, which the page's commands name."""
each_part = pytest.mark.parametrize("part", PARTS)


def flat(config: dict[str, Any]) -> dict[str, str]:
    """The chart's `config` as the variables that set the same."""
    return {
        f"AIRFLOW__{section.upper()}__{option.upper()}": str(value)
        for section, options in config.items()
        for option, value in options.items()
    }


def secrets_of(part: str) -> set[str]:
    """The Secrets that hold what docker-compose.yml gives a part as files."""
    return {f"avr-{name.removesuffix('.yaml').replace('_', '-')}" for name in COMPOSE[part]["secrets"]}


def mounted_secrets(volumes: list[dict[str, Any]]) -> set[str]:
    (volume,) = [one for one in volumes if one["name"] == "secrets"]
    return {source["secret"]["name"] for source in volume["projected"]["sources"]}


def set_in(part: str) -> dict[str, str]:
    """Every variable that a part is given by the values."""
    env = [*VALUES["env"], *PARTS[part]["env"]]
    return flat(VALUES["config"]) | {one["name"]: one["value"] for one in env if "value" in one}


def test_every_part_of_the_compose_file_has_its_own():
    assert set(PARTS) == {name for name in COMPOSE if "demo" not in COMPOSE[name].get("profiles", [])}


@each_part
def test_a_part_is_set_as_docker_compose_sets_it(part):
    wanted = {name: str(value) for name, value in COMPOSE[part]["environment"].items() if name not in DIFFERS}
    given = {name: value.replace("/etc/avr/secrets/", "/run/secrets/") for name, value in set_in(part).items()}
    assert {name: given.get(name, "not set") for name in wanted} == wanted


@each_part
def test_a_part_sees_the_secrets_that_it_has_there_and_no_others(part):
    assert mounted_secrets(PARTS[part]["extraVolumes"]) == secrets_of(part)
    assert {"name": "secrets", "mountPath": "/etc/avr/secrets", "readOnly": True} in PARTS[part]["extraVolumeMounts"]


@each_part
def test_a_part_has_the_data_folder_and_the_memory_that_it_has_there(part):
    mounted = {one["mountPath"]: one.get("readOnly", False) for one in PARTS[part]["extraVolumeMounts"]}
    there = [volume for volume in COMPOSE[part].get("volumes", []) if volume.startswith("data:")]
    assert ("/var/lib/avr" in mounted) == bool(there)
    assert not there or mounted["/var/lib/avr"] == there[0].endswith(":ro")
    limit = COMPOSE[part]["deploy"]["resources"]["limits"]["memory"]
    assert PARTS[part]["resources"]["limits"]["memory"] == limit
    assert PARTS[part]["resources"]["requests"]


@pytest.mark.parametrize("part", ["scheduler", "dag-processor", "triggerer", "worker", "retention"])
def test_a_part_is_asked_whether_it_lives_as_docker_compose_asks_it(part):
    shell, option, command = PARTS[part].get("livenessProbe", PARTS["worker"]["livenessProbe"])["command"]
    assert (shell, option) == ("sh", "-c")
    # Retention's is asked there for the sweep too, which a restart would not bring.
    asked, _, _ = COMPOSE[part]["healthcheck"]["test"].partition(" && ")
    assert command.split() == asked.split()


def test_every_kind_of_arrangement_is_mounted_where_it_is_read():
    folder = Path(next(one["value"] for one in VALUES["env"] if one["name"] == "AVR_ARRANGEMENTS"))
    mounted = {Path(one["mountPath"]) for one in VALUES["volumeMounts"]}
    ours = ROOT / "include" / "arrangements"
    read = {folder / path.relative_to(ours) for path in ours.rglob("*.yaml")}
    assert {path for path in read if path not in mounted and path.parent not in mounted} == set()


@each_part
def test_a_part_can_ask_the_cluster_for_nothing(part):
    default = VALUES["workers"]["celery"]["serviceAccount"] if part == "retention" else None
    assert PARTS[part].get("serviceAccount", default) == {"automountServiceAccountToken": False}


def test_every_container_is_closed_and_no_secret_stands_in_the_values():
    pod, container = VALUES["securityContexts"]["pod"], VALUES["securityContexts"]["containers"]
    assert (pod["runAsNonRoot"], pod["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
    assert container == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert not any(VALUES["enableBuiltInSecretEnvVars"].values())
    text = yaml.safe_dump(VALUES)
    assert not re.search(r"://[^/\s]*:[^/\s]*@", text)
    assert all(re.match("(cat )?/etc/avr/secrets/", one["value"]) for part in PARTS.values() for one in part["env"]
               if re.search("_CMD$|_FILE$", one["name"]))  # fmt: skip
    assert not VALUES["createUserJob"]["enabled"], "the chart's user has a password that everybody knows"
    assert VALUES["networkPolicies"]["enabled"]


def test_as_much_is_queued_as_all_workers_can_run():
    workers = VALUES["workers"]["celery"]["keda"]["maxReplicaCount"]
    assert VALUES["config"]["core"]["parallelism"] == workers * VALUES["config"]["celery"]["worker_concurrency"] + 1


def test_what_the_values_mount_is_made_by_the_manifests_or_named_on_the_page():
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    made = {one["metadata"]["name"] for one in yaml.safe_load_all((ROOT / "deploy/kubernetes/first.yaml").read_text())}
    text = yaml.safe_dump(VALUES)
    named = set(re.findall(r"\b(?:claimName|secretName|SecretName|name): (avr-[a-z-]+)", text))
    assert len(named) > 10
    assert {name for name in named if name not in made and name not in page} == set()


def test_the_official_chart_takes_the_values():
    if (folder := os.environ.get("AIRFLOW_CHART")) is None:
        # Not a skip: what can be known without the chart is tested above.
        assert "AIRFLOW_CHART" in (ROOT / "docs" / "kubernetes.md").read_text()
        return
    from jsonschema import Draft7Validator

    schema = json.loads((Path(folder) / "values.schema.json").read_text())
    assert [f"{list(error.path)}: {error.message}" for error in Draft7Validator(schema).iter_errors(VALUES)] == []
    ours = {name for name in VALUES if not name.startswith("x-")}
    assert ours <= set(yaml.safe_load((Path(folder) / "values.yaml").read_text())), "the chart would ignore it"


def test_what_the_chart_makes_of_the_values_is_what_is_meant():
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    if (folder := os.environ.get("AIRFLOW_CHART")) is None or (helm := os.environ.get("HELM")) is None:
        assert "HELM=helm" in page
        return
    command = [helm, "template", "avr", folder, "--namespace", "avr", "--values", str(FILE)]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    made: dict[str, dict[str, Any]] = {}
    for one in yaml.safe_load_all(rendered):
        if one is not None:
            made.setdefault(one["kind"], {})[one["metadata"]["name"]] = one
    assert "Secret" not in made
    assert "Role" not in made
    workloads = made["Deployment"] | made["Job"]
    assert set(workloads) == set(PODS.values())
    assert {f"avr-{name}" for name in re.findall(r"deploy/avr-([a-z-]+)", page)} <= set(workloads)
    assert not any(one["automountServiceAccountToken"] for one in made["ServiceAccount"].values())

    for part, name in PODS.items():
        template = workloads[name]["spec"]["template"]
        pod = template["spec"]
        assert template["metadata"]["labels"]["release"] == "avr", "by which the API server's network policy knows it"
        assert pod["serviceAccountName"] in made["ServiceAccount"]
        assert pod["securityContext"] == VALUES["securityContexts"]["pod"]
        assert mounted_secrets(pod["volumes"]) == secrets_of(part)
        for container in [*(pod.get("initContainers") or []), *pod["containers"]]:
            assert container["securityContext"] == VALUES["securityContexts"]["containers"]
            assert "/entrypoint" not in yaml.safe_dump(container), "our image has none"
            hidden = [one["name"] for one in container["env"] if "valueFrom" in one]
            assert hidden == (["AIRFLOW_CONN_AIRFLOW_DB"] if part == "worker" else [])
            assert len({one["mountPath"] for one in container["volumeMounts"]}) == len(container["volumeMounts"])

    (scaled,) = made["ScaledObject"].values()
    assert scaled["spec"]["scaleTargetRef"]["name"] == PODS["worker"]
    assert "replicas" not in workloads[PODS["worker"]]["spec"]
    assert workloads[PODS["retention"]]["spec"]["replicas"] == 1
    assert "--queues retention" in workloads[PODS["retention"]]["spec"]["template"]["spec"]["containers"][0]["args"][-1]
    (config,) = made["ConfigMap"].values()
    assert f"execution_api_server_url = http://{PODS['api-server']}:8080/execution/" in config["data"]["airflow.cfg"]
    hidden = "fernet_key|secret_key|jwt_secret|broker_url|result_backend|sql_alchemy_conn"
    assert not re.search(f"{hidden}|://[^/\\s]*@", config["data"]["airflow.cfg"])
