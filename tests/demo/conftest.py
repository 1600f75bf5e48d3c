"""The demo's servers, started once for these tests, and Airflow's connections to them."""

import os
from collections.abc import Iterator

import pytest

from include.demo.setting import Setting
from tests.demo.running import servers


@pytest.fixture(scope="package")
def setting(tmp_path_factory) -> Iterator[Setting]:
    with servers(tmp_path_factory.mktemp("demo")) as running:
        before = dict(os.environ)
        os.environ.update(running.environment)
        yield running
        os.environ.clear()
        os.environ.update(before)
