from collections.abc import Callable

import pytest
from nasface import Selector
from nasface.errors import InvalidInput
from nasface.selectors import QuickSelect
from nasface.testing import SearchConformance

from nasface_example import Brood, BroodConfig


class TestBrood(SearchConformance):
    @pytest.fixture
    def make(self) -> Callable[[Selector], Brood]:
        return lambda selector: Brood(BroodConfig(generations=4, population=20), selector=selector)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"search\.generations is 0"):
        Brood(BroodConfig(generations=0), selector=QuickSelect())
