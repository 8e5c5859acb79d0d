"""Removes the variables of other Celery apps before Celery is imported and reads them."""

from collections.abc import MutableMapping
from typing import Final

#: Celery's, kombu's and billiard's own.
_PREFIXES: Final = ("CELERY_", "CELERYD_", "KOMBU_")
#: What they read besides, and no setting of ours.
_NAMES: Final = frozenset(
    {
        # The command line of Celery, which Flower's is a part of.
        "APP", "BROKER_URL", "RESULT_BACKEND", "LOADER", "CONFIG_MODULE", "SKIP_CHECKS",
        "C_BENCH", "C_BENCH_EVERY", "C_FAKEFORK", "C_FORCE_ROOT", "C_IMPDEBUG", "C_REMDEBUG",
        "C_STRICT_APP", "C_WARN_APP", "C_WNOCONF",
        "AUTOSCALE_KEEPALIVE", "DISABLE_TRACEBACKS", "DJANGO_PROJECT_DIR", "DJANGO_SETTINGS_MODULE",
        "EVENTLET_NOBLOCK", "MP_LOG", "MP_MAIN_FILE", "NOSETPS", "PICKLE_PROTOCOL", "TIMER_DEBUG",
        "USE_FAST_LOCALS",
        # A child of another worker's pool starts us: our tasks would be taken for its app's.
        "FORKED_BY_MULTIPROCESSING", "MULTIPROCESSING_FORKING_DISABLE",
        "_MP_FORK_LOGFILE_", "_MP_FORK_LOGFORMAT_", "_MP_FORK_LOGLEVEL_",
        # It turns the clean stop of SIGTERM into one that drops what runs.
        "REMAP_SIGTERM",
        # Another Flower's: a file of Python that it runs, and a server that is no Redis.
        "FLOWER_CONF", "FLOWER_BROKER_API",
    }
)  # fmt: skip


def forget(environment: MutableMapping[str, str]) -> None:
    """Drop every variable by which another Celery app would change ours."""
    for name in tuple(environment):
        if name.startswith(_PREFIXES) or name in _NAMES:
            del environment[name]
