"""A night is killed at a random moment; the next publishes and sends what an undisturbed one does."""

from pathlib import Path

import pytest

from tests.support.disturbed import kill_and_compare


@pytest.mark.slow
def test_after_a_kill_the_tables_are_equal_and_the_channel_holds_each_member_once(tmp_path: Path) -> None:
    found = kill_and_compare(tmp_path, kills=1, seed=20261121)
    assert found["kills"] == 1, found
    assert found["tables_compared"] >= 20, found
    assert found["tables_that_differ"] == [], found
    assert found["members_wrong"] == 0 and found["joined_more_than_once"] == 0, found
