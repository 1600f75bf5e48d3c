"""The dashboard and the exporter's mapping, beside the metrics that the code sends."""

import json
import re

import pytest
import yaml

from include.settings import ROOT

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "avr-notifications.json").read_text())
MAPPINGS = yaml.safe_load((ROOT / "deploy" / "statsd-exporter.yml").read_text())["mappings"]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
LABELS = {"office", "host_country", "kind", "notice", "via", "state", "standing"}


def sent() -> set[str]:
    """What Prometheus sees of each metric that the code names."""
    code = "".join((ROOT / "include" / path).read_text() for path in ("metrics.py", "reports/figures.py"))
    names = set(re.findall(r'"avr\.(\w+)"|Figure\("(\w+)"', code))
    plain = {f"airflow.avr.{one or other}" for one, other in names}
    histograms = {mapping["match"]: mapping["name"] for mapping in MAPPINGS}
    assert set(histograms) < plain
    return {name.replace(".", "_") for name in plain - set(histograms)} | {
        f"{name}_{part}" for name in histograms.values() for part in ("bucket", "count", "sum")
    }


def test_every_query_asks_for_what_the_code_sends():
    asked = {name for query in QUERIES for name in re.findall(r"airflow_\w+", query)}
    assert asked <= sent()
    used = {label for query in QUERIES for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(", ")}
    assert used <= LABELS | {"le"}


def test_each_boundary_that_is_asked_for_is_a_bucket():
    buckets = {mapping["name"]: mapping["histogram_options"]["buckets"] for mapping in MAPPINGS}
    for query in QUERIES:
        for name, boundary in re.findall(r'(airflow_\w+)_bucket\{le="(\d+)"\}', query):
            assert int(boundary) in buckets[name]
    assert all(edges == sorted(edges) for edges in buckets.values())


def test_panels_do_not_overlap_and_each_says_what_it_shows():
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["title"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_each_panel_reads_the_chosen_prometheus(panel):
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    assert {variable["name"] for variable in DASHBOARD["templating"]["list"]} == {"datasource", "host_country"}
