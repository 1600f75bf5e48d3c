"""What SQLite leaves of rows that are gone, though it overwrites what it deletes."""

import random

import pytest
from sqlalchemy import text

from include.ledger import storage
from include.ledger.engine import writing


@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
def test_compacting_takes_away_what_secure_delete_leaves_where_rows_were_moved(ledger):
    chance = random.Random(1)
    names = [f"Name-{number:05}-zz" for number in range(4000)]
    with writing() as session:
        session.execute(text("CREATE TABLE scratch (id TEXT PRIMARY KEY, name TEXT, more TEXT)"))
        for name in chance.sample(names, len(names)):
            row = {"name": name, "more": "y" * chance.randint(0, 200)}
            session.execute(text("INSERT INTO scratch VALUES (:name, :name, :more)"), row)
        for name in chance.sample(names, 2000):
            row = {"name": name, "more": "z" * chance.randint(0, 400)}
            session.execute(text("UPDATE scratch SET more = :more WHERE id = :name"), row)
        gone = chance.sample(names, 500)
        for name in gone:
            session.execute(
                text("UPDATE scratch SET name = '', id = hex(randomblob(8)) WHERE id = :name"), {"name": name}
            )

    def there() -> int:
        content = b"".join(path.read_bytes() for path in storage.files())
        return sum(name.encode() in content for name in gone)

    assert there() > 0
    storage.compact()
    assert there() == 0
