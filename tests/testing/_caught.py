"""What a kit must catch: a deliberately wrong component, and the check that it fails."""

from __future__ import annotations

import functools

import pytest

from nasface.errors import NasfaceError


def caught(kit: type, check: str, *, given: dict[str, object] | None = None, **fixtures: object) -> type:
    """A test class whose one test is that `check` of the kit fails.

    Args:
        kit: E.g. `SpaceConformance`.
        check: Name of its test.
        given: Values of the check's parameters for which it fails, where it has some.
        fixtures: What the kit's fixtures give.
    """
    checked, given = getattr(kit, check), given or {}
    left = functools.partial(checked, **given) if given else checked

    @functools.wraps(left)
    def test(*arguments: object, **values: object) -> None:
        try:
            checked(*arguments, **values, **given)
        except (AssertionError, NasfaceError, pytest.fail.Exception):
            return
        except pytest.skip.Exception as skipped:
            pytest.fail(f"{check} was skipped: {skipped}")
        pytest.fail(f"{check} caught nothing")

    test.__wrapped__ = left
    others = {name: None for name in dir(kit) if name.startswith("test_")}
    made = {name: pytest.fixture(lambda self, value=value: value) for name, value in fixtures.items()}
    return type(kit.__name__, (kit,), {**others, check: test, **made})
