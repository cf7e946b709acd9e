from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytomill.batch.shard import Shard
from cytomill.errors import OptionError


@given(items=st.lists(st.integers(), max_size=200), count=st.integers(1, 60))
def test_shares_are_disjoint_even_and_the_whole(items: list[int], count: int) -> None:
    numbered = list(enumerate(items))
    shares = [Shard(index, count).of(numbered) for index in range(1, count + 1)]
    assert sorted(item for share in shares for item in share) == numbered
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("text", "expected"), [("1/1", (1, 1)), (" 3/7 ", (3, 7))])
def test_parses(text: str, expected: tuple[int, int]) -> None:
    assert (Shard.parse(text).index, Shard.parse(text).count) == expected


@pytest.mark.parametrize("text", ["", "0/3", "4/3", "1", "1/0", "a/b", "-1/3", "1/2/3", "1.0/2"])
def test_refuses_what_is_no_share(text: str) -> None:
    with pytest.raises(OptionError, match="must be I/N"):
        Shard.parse(text)
