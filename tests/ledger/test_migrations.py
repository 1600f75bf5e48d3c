from sqlalchemy import inspect, text

from include.ledger.engine import engine, writing
from include.ledger.migrating import differences, migrate, migrate_back


def test_the_migrations_make_exactly_what_the_models_say(empty_ledger_url):
    assert differences(empty_ledger_url), "an empty database lacks every table"
    migrate(empty_ledger_url)
    assert differences(empty_ledger_url) == []


def test_a_ledger_can_be_migrated_down_and_up_again(empty_ledger_url):
    migrate(empty_ledger_url)
    migrate_back("base", empty_ledger_url)
    assert set(inspect(engine(empty_ledger_url)).get_table_names()) == {"alembic_version"}
    migrate(empty_ledger_url)
    assert differences(empty_ledger_url) == []


def test_an_entry_told_before_there_were_reviews_knows_the_record_it_was_told_by(empty_ledger_url):
    migrate(empty_ledger_url, "0001")
    match = "INSERT INTO match VALUES ({}, 'GRC', '{}', '{}', 1, '{}', 'linkage', 'test', '2026-11-01', {})"
    with writing(empty_ledger_url) as session:
        session.execute(text("INSERT INTO office VALUES ('GRC-ATH', NULL)"))
        for case in ("A", "B"):
            session.execute(
                text(
                    'INSERT INTO "case" (host_country, case_id, since, nationality, registered_on, status, status_since,'
                    f" standing, to_tell, marked) VALUES ('GRC', '{case}', '2026-11-01', 'AFG', '2026-10-01', 'booked',"
                    " '2026-11-01', 'pending', true, '')"
                )
            )
            session.execute(
                text(f"INSERT INTO entry VALUES ('{case}', 'GRC-ATH', 'GRC', '{case}', '2026-11-01 07:00:00+00', NULL)")
            )
        for record in ("R", "S"):
            session.execute(
                text(
                    f"INSERT INTO procedure_record VALUES ('GRC', '{record}', '2026-01-05', 'appeal', 'pending', NULL, false)"
                )
            )
        session.execute(text(match.format(1, "A", "S", "accept", "NULL")))
        session.execute(text(match.format(2, "A", "R", "accept", "'2026-11-02'")))
        session.execute(text(match.format(3, "B", "R", "review", "NULL")))
    migrate(empty_ledger_url)
    with writing(empty_ledger_url) as session:
        assert dict(session.execute(text("SELECT entry, asylum_reference FROM entry")).all()) == {"A": "S", "B": None}
    assert differences(empty_ledger_url) == []
    migrate_back("base", empty_ledger_url, lose=True)
