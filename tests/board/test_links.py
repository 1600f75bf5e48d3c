"""From a task to its page of the board, under whatever path Airflow is served."""

import pytest

from include.links import board_page
from include.operators import ComposeList, PullExtract


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("http://localhost:8080", "/plugin/notifications/notifications/list/A"),
        ("https://iom.example/airflow/", "/airflow/plugin/notifications/airflow/notifications/list/A"),
    ],
)
def test_a_link_leads_to_where_the_ui_shows_the_page(base_url, expected, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert board_page("list/A") == expected


def test_a_task_links_to_the_list_that_it_made_and_to_none_where_it_made_none(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://localhost:8080")
    task = ComposeList(task_id="compose", office="GRC-ATH")
    (link,) = task.operator_extra_links
    assert link.get_link(task, ti_key=None) == ""
    task.made = "GRC-ATH_2026-0001"
    assert link.get_link(task, ti_key=None) == "/plugin/notifications/notifications/list/GRC-ATH_2026-0001"


def test_a_pull_links_to_its_host_country(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://localhost:8080")
    task = PullExtract(task_id="pull", source={"host_country": "GRC", "kind": "avr_cases", "day": "2026-11-02"})
    (link,) = task.operator_extra_links
    assert link.get_link(task, ti_key=None) == "/plugin/notifications/notifications/#host-GRC"
