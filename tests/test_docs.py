"""What the pages for people outside say is what the code does."""

import re
import shlex

import pytest
import yaml

from include.__main__ import make_parser
from include.arrangements.framework import Framework, NamingParty
from include.arrangements.models import Arrangement, ListSettings, Proportion, Retention, Source
from include.arrangements.rules import Age, Condition, Policy, Rule
from include.extracts.contract import CASES, COLUMNS, ONE_OF, PROCEDURE
from include.settings import ROOT

DOCS = ROOT / "docs"
PAGES = [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md"]


def table_of(kind: str) -> dict[str, tuple[str, str]]:
    """Each column's `required` and `form`, from the page's section on this kind."""
    section = re.split(r"^## ", (DOCS / "extracts.md").read_text(), flags=re.MULTILINE)
    (text,) = [part for part in section if part.startswith(f"`{kind}_")]
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    return {name: (line[1], line[2]) for line in lines for name in re.findall(r"`(\w+)`", line[0])}


@pytest.mark.parametrize("kind", [CASES, PROCEDURE])
def test_the_data_owners_page_has_every_column_of_the_contract_and_no_other(kind):
    page = table_of(kind)
    assert list(page) == [column.name for column in COLUMNS[kind]]
    for column in COLUMNS[kind]:
        required, form = page[column.name]
        if column.name not in ONE_OF and required != "as above":
            assert required.startswith("yes") == column.required, column.name
        if "as above" not in form:
            assert set(column.values) <= set(re.findall(r"`(\w+)`", form)), column.name


def examples(page: str) -> list[object]:
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)]


def test_the_arrangement_on_the_page_loads_and_names_every_setting():
    written, _, _ = examples("arrangements.md")
    arrangement = Arrangement.model_validate(written)
    assert set(written) == set(Arrangement.model_fields)
    assert set(written["list"]) == set(ListSettings.model_fields)
    assert set(written["retention"]) == set(Retention.model_fields)
    assert set(written["proportion"]) == set(Proportion.model_fields)
    assert {channel.via for channel in arrangement.deliver} == {"sftp", "email"}


def test_the_framework_on_the_page_loads_and_names_every_setting():
    _, written, _ = examples("arrangements.md")
    Framework.model_validate(written)
    assert set(written) | {"flights"} == set(Framework.model_fields)
    assert set(written["parties"]["origin"]) == set(NamingParty.model_fields)


def test_the_policy_on_the_page_loads_and_names_every_condition_and_measure():
    _, _, written = examples("arrangements.md")
    policy = Policy.model_validate(written)
    (rule,) = written["rules"]
    assert set(rule) == set(Rule.model_fields)
    assert set(policy.rules[0].measures) == {"flag", "urgent", "review"}
    named = set(re.findall(r"(\w+):", str(rule["when"]).replace("'", "")))
    conditions = {field.alias or name for name, field in Condition.model_fields.items()}
    assert named | {"or_unknown"} == conditions | set(Age.model_fields)


def test_the_source_on_the_page_loads_and_names_every_setting():
    ((written,),) = (one["sources"] for one in examples("extracts.md"))
    assert Source.model_validate(written)
    assert set(written) == set(Source.model_fields)


def test_every_link_between_the_pages_leads_somewhere():
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text())]
    assert len(links) > 5
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def clauses() -> dict[str, dict[str, list[str]]]:
    """What docs/promise.md says keeps each clause: by heading, then by DAG, room and test."""
    _, *sections = re.split(r"^## ", (DOCS / "promise.md").read_text(), flags=re.MULTILINE)
    found = {}
    for section in sections:
        kinds = re.findall(r"^- (DAG|room|test): ((?:.|\n(?!- |\n))+)", section, re.MULTILINE)
        found[section.splitlines()[0]] = {kind: re.findall(r"`([^`]+)`", named) for kind, named in kinds}
    return found


def test_each_clause_of_the_promise_names_what_keeps_it_and_all_of_that_is_there():
    kept = clauses()
    assert len(kept) > 10
    whole = {"DAG", "room", "test"}
    assert [heading for heading, kinds in kept.items() if set(kinds) != whole] == []
    missing = []
    for kinds in kept.values():
        for named in [name for names in kinds.values() for name in names]:
            path, _, test = named.partition("::")
            there = (ROOT / path).exists()
            if not there or (test and not re.search(rf"^def {test}\(", (ROOT / path).read_text(), re.MULTILINE)):
                missing.append(named)
        assert all("::test_" in name for name in kinds["test"])
    assert missing == []


def test_every_dag_keeps_a_clause_of_the_promise():
    named = {path for kinds in clauses().values() for path in kinds["DAG"]}
    assert named == {f"dags/{path.name}" for path in (ROOT / "dags").glob("*.py")}


def commands() -> list[tuple[str, str, bool]]:
    """Each `python -m include …` of the pages: page, what follows, and whether it is only mentioned in a sentence."""
    found = []
    for page in PAGES:
        text = re.sub(r"\\\n\s*", " ", page.read_text())
        fenced = r"^ *```\w*\n(.*?)^ *```"
        lines = [
            (line, False) for block in re.findall(fenced, text, re.MULTILINE | re.DOTALL) for line in block.splitlines()
        ]
        sentences = re.sub(fenced, "", text, flags=re.MULTILINE | re.DOTALL)
        lines += [(" ".join(said.split()), True) for said in re.findall(r"`([^`]+)`", sentences)]
        found += [
            (page.name, line.partition("-m include ")[2], mentioned)
            for line, mentioned in lines
            if "python -m include " in line
        ]
    return found


STANDS_FOR = {"KIND": "avr_cases", "COMMAND": "check"}
"""What a page leaves to its reader, as somebody would write it."""


def test_every_command_of_the_pages_is_one_that_the_command_line_takes(capsys):
    found = commands()
    assert len(found) > 60
    parser, wrong = make_parser(), []
    for page, command, mentioned in found:
        given = shlex.split(re.split(r" [|>&]", command)[0], comments=True)
        try:
            parser.parse_args([STANDS_FOR.get(word, word) for word in given])
        except SystemExit as ended:
            said = capsys.readouterr().err
            # A sentence may speak of a command without all that it needs; a block is copied as it stands.
            if ended.code and not (mentioned and "arguments are required" in said):
                wrong.append((page, command, said.splitlines()[-1]))
    assert wrong == []
