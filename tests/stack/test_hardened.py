"""Airflow as docker-compose.yml sets it, defaults included: what an upgrade or an edit must not open."""

from functools import cache
from pathlib import Path
from typing import Any

import airflow
import pytest
import yaml

from tests.stack.compose import services

OF_AIRFLOW = {name: one for name, one in services({}).items() if one["image"].startswith("avr-notifications")}
WANTED = {
    # Example DAGs run code that nobody here has read.
    "core.load_examples": "False",
    # Nothing is unpickled, and no class is made from a message but Airflow's own.
    "core.allowed_deserialization_classes": "airflow.*",
    "core.allowed_deserialization_classes_regexp": "",
    "core.hide_sensitive_var_conn_fields": "True",
    "core.sensitive_var_conn_names": "age_identity",
    # Whoever may edit a connection could have it call any server.
    "core.test_connection": "Disabled",
    "core.daemon_umask": "0o077",
    "logging.logging_level": "INFO",
    "logging.min_length_masked_secret": "5",
}
OF_API_SERVER = {
    "core.auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    "api.expose_config": "False",
    "api.expose_stacktrace": "False",
    "api.enable_swagger_ui": "False",
    # Nobody else's page may call the API in a reader's name.
    "api.access_control_allow_origins": "",
    "api_auth.jwt_expiration_time": "43200",
    "execution_api.jwt_expiration_time": "600",
    "fab.cookie_secure": "True",
    "fab.session_lifetime_minutes": "60",
    "fab.session_max_lifetime_minutes": "720",
}
SECRET = {
    "core.fernet_key": {"migrate", "api-server", "scheduler", "dag-processor", "triggerer"},
    "api.secret_key": {"api-server"},
    "api_auth.jwt_secret": {"api-server", "scheduler"},
    "database.sql_alchemy_conn": {"migrate", "api-server", "scheduler", "dag-processor", "triggerer"},
}


@cache
def defaults() -> dict[str, Any]:
    """Airflow's own, by `section.option`."""
    written = yaml.safe_load((Path(airflow.__file__).parent / "config_templates" / "config.yml").read_text())
    return {
        f"{section}.{option}": one.get("default")
        for section, of_section in written.items()
        for option, one in of_section["options"].items()
    }


def effective(service: str, setting: str) -> Any:
    """What a setting is in a service: as it is set there, else as Airflow has it."""
    section, _, option = setting.partition(".")
    name = f"AIRFLOW__{section.upper()}__{option.upper()}"
    return OF_AIRFLOW[service]["environment"].get(name, defaults().get(setting))


def test_every_part_of_airflow_is_looked_at():
    assert {"api-server", "scheduler", "dag-processor", "triggerer", "worker", "retention"} <= set(OF_AIRFLOW)


@pytest.mark.parametrize("service", OF_AIRFLOW)
def test_nothing_is_open_that_need_not_be(service):
    wanted = WANTED | (OF_API_SERVER if service == "api-server" else {})
    assert {setting: effective(service, setting) for setting in wanted} == wanted


@pytest.mark.parametrize("setting", SECRET)
def test_a_secret_comes_from_a_file_and_only_where_it_is_needed(setting):
    section, _, option = setting.partition(".")
    name = f"AIRFLOW__{section.upper()}__{option.upper()}"
    assert not [service for service, one in OF_AIRFLOW.items() if name in one["environment"]], "it is in the open"
    read = {service for service, one in OF_AIRFLOW.items() if f"{name}_CMD" in one["environment"]}
    assert read == SECRET[setting]


def test_airflow_has_no_setting_by_which_it_would_report_on_its_use_or_unpickle():
    assert [name for name in defaults() if "usage_data" in name or "pickl" in name] == []


def test_every_secret_of_our_connections_is_masked():
    from airflow.sdk._shared.secrets_masker.secrets_masker import DEFAULT_SENSITIVE_FIELDS, SecretsMasker

    masker = SecretsMasker()
    # As Airflow's settings put it together.
    masker.sensitive_variables_fields = DEFAULT_SENSITIVE_FIELDS | {
        effective("worker", "core.sensitive_var_conn_names")
    }
    for name in ("password", "secret_key", "passwords_before", "private_key", "age_identity"):
        assert masker.should_hide_value_for_key(name), name
    assert not masker.should_hide_value_for_key("host_key"), "what is public stays to be read"
