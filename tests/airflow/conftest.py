"""One demo of two days for all tests of this folder that look at what a whole main job leaves."""

from collections.abc import Iterator

import pytest

from include.demo.run import Demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with Demo(tmp_path_factory.mktemp("demo"), 2) as running:
        running.open_addresses()
        for day in running.days:
            running.run_day(day)
        yield running
