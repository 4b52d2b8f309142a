import pytest
@pytest.fixture
def make_journal(tmp_path):
    n = iter(range(99))
    return lambda: str(tmp_path / f"journal-{next(n)}")
