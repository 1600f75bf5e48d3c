"""What linking keeps of one test's people is not there for the next."""

import pytest


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    monkeypatch.setenv("AVR_DATA", str(folder))
    return folder
