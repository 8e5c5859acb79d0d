"""Which variables are another Celery app's, and which are ours."""

import pytest

from worker.cli.foreign import forget


@pytest.mark.parametrize(
    "name",
    [
        "CELERY_BROKER_READ_URL", "CELERY_CONFIG_MODULE", "CELERYD_POOL", "KOMBU_LOG_DEBUG",
        "BROKER_URL", "LOADER", "CONFIG_MODULE", "RESULT_BACKEND", "REMAP_SIGTERM",
        "FORKED_BY_MULTIPROCESSING", "DJANGO_SETTINGS_MODULE", "FLOWER_CONF", "FLOWER_BROKER_API",
    ],
)  # fmt: skip
def test_variable_of_another_app_is_forgotten(name: str) -> None:
    environment = {name: "x", "PATH": "/bin"}

    forget(environment)

    assert environment == {"PATH": "/bin"}


@pytest.mark.parametrize(
    "name",
    ["REDIS_URL", "UPRID_SEAL_KEYS", "FLOWER_BASIC_AUTH", "FLOWER_PORT", "PATH", "NO_COLOR"],
)
def test_variable_of_ours_is_kept(name: str) -> None:
    environment = {name: "x"}

    forget(environment)

    assert environment == {name: "x"}
