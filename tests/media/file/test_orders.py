"""A worker understands its command line."""

import pytest

from media.file.container import Container
from media.file.orders import Orders, cpu_seconds_max, orders_from_arguments


def test_orders_survive_a_command_line_with_other_arguments() -> None:
    orders = Orders(Container.MPEG_TS, 7, 120)
    assert orders_from_arguments(("--jail-minimum=2", *orders.arguments())) == orders


@pytest.mark.parametrize("arguments", [(), ("--container=mp4",), ("--container=avi",)])
def test_orders_that_are_incomplete_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"missing|avi"):
        orders_from_arguments(arguments)


def test_larger_files_may_take_longer() -> None:
    assert cpu_seconds_max(0) == 90
    assert cpu_seconds_max(1_000_000_000) > 24 * 3600
