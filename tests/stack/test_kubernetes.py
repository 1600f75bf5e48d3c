"""deploy/kubernetes/values.yaml says what docker-compose.yml says, and what the official Airflow chart takes.

The chart's schema is not ours to keep here. With `AIRFLOW_CHART=…/airflow`, an unpacked chart, the values are held to it.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.settings import ROOT
from tests.stack.compose import services

VALUES = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "values.yaml").read_text())
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
each_part = pytest.mark.parametrize("part", PARTS)


def flat(config: dict[str, Any]) -> dict[str, str]:
    """The chart's `config` as the variables that set the same."""
    return {
        f"AIRFLOW__{section.upper()}__{option.upper()}": str(value)
        for section, options in config.items()
        for option, value in options.items()
    }


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
    (volume,) = [one for one in PARTS[part]["extraVolumes"] if one["name"] == "secrets"]
    mounted = {source["secret"]["name"] for source in volume["projected"]["sources"]}
    named = {f"avr-{name.removesuffix('.yaml').replace('_', '-')}" for name in COMPOSE[part]["secrets"]}
    assert mounted == named
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
