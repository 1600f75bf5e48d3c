"""From a task to its page of the board, under whatever path Airflow is served."""

import pytest
from airflow.sdk import dag, task

from include.links import board_page, page_of_task
from include.operators import AskForClearance, ComposeList, MakeView, PullExtract


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


@pytest.mark.parametrize(
    ("of_task", "page"),
    [
        (("deliver_lists__GRC-ATH", "send", "", "GRC-ATH_2026-0001"), "list/GRC-ATH_2026-0001"),
        (("deliver_lists__GRC-ATH", "send", "", None), "office/GRC-ATH"),
        (("deliver_urgent_lists", "send", "PAK-ISB|PAK|2026-11-02", None), "office/PAK-ISB"),
        (("reconcile_cases", "link", "GRC|2026-11-02", None), "#host-GRC"),
        (("reconcile_cases", "call_for_urgent_list", "GRC|2026-11-02", None), "#host-GRC"),
        (("report_rejected__GRC-ATH", "publish", "", None), "office/GRC-ATH#papers"),
        (("report_afghan_framework__DEU__unhcr", "make", "", None), "office/AFG-DEU-unhcr"),
        (("sweep", "send_again", "", None, "GRC-ATH/rejected"), "office/GRC-ATH"),
        (("sweep", "leave_heartbeat", "", None, None), None),
        (("clear_notices", "ask", "", None), "#clearances"),
        (("collect_responses", "tell_concerns", "", None), "concerns"),
        (("watch", "find_waiting_cases", "", None), "#clearances"),
        (("retain_records", "erase_and_prove", "", None), None),
    ],
)
def test_every_task_leads_to_what_it_is_about(of_task, page):
    assert page_of_task(*of_task) == page


def test_tasks_that_are_functions_and_operators_without_a_link_have_the_plugin_s():
    """As the API server finds it: by the operator's name and module in the DAG that it reads from its database."""
    from airflow.plugins_manager import get_operator_extra_links
    from airflow.serialization.serialized_objects import DagSerialization
    from notification_board.links import BoardLink

    assert any(isinstance(link, BoardLink) for link in get_operator_extra_links()), "the plugin is not loaded"

    @dag(schedule=None)
    def of_all_kinds():
        @task
        def plain() -> list[int]:
            return [1]

        @task
        def mapped(number: int) -> None: ...

        mapped.expand(number=plain())
        AskForClearance.partial(task_id="ask").expand(number=plain())
        MakeView(task_id="view", host_country="DEU", party="unhcr")
        ComposeList(task_id="compose", office="GRC-ATH")

    read = DagSerialization.from_dict(DagSerialization.to_dict(of_all_kinds()))
    links = {one.task_id: set(one.extra_links) for one in read.tasks}
    name = BoardLink().name
    assert [links[one] for one in ("plain", "mapped", "ask", "view")] == [{name}] * 4
    assert name not in links["compose"], "it has its list's"
