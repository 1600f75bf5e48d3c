from sqlalchemy import inspect

from include.ledger.engine import engine
from include.ledger.migrating import differences, migrate


def test_the_migrations_make_exactly_what_the_models_say(empty_ledger_url):
    assert differences(empty_ledger_url), "an empty database lacks every table"
    migrate(empty_ledger_url)
    assert differences(empty_ledger_url) == []


def test_a_ledger_can_be_migrated_down_and_up_again(empty_ledger_url):
    migrate(empty_ledger_url)
    migrate(empty_ledger_url, "base")
    assert set(inspect(engine(empty_ledger_url)).get_table_names()) == {"alembic_version"}
    migrate(empty_ledger_url)
    assert differences(empty_ledger_url) == []
