"""The start-up check of package names."""

import pytest

from config.layout import PackageShadowed, check_layout


def test_our_packages_pass() -> None:
    check_layout()


@pytest.mark.parametrize("name", ["json", "no_such_package"])
def test_a_package_from_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(PackageShadowed, match=f"package '{name}' should be in"):
        check_layout([name])
