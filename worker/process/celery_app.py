"""A Celery app that only its own settings configure, and no other app's variables."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from celery import Celery
from celery.app.utils import Settings
from celery.loaders.app import AppLoader

from worker.process.masking import MaskedAMQP

#: What the tasks of Celery itself are called.
_CELERYS_OWN: Final = "celery."


class OwnSettings(Settings):  # type: ignore[misc]
    """Celery's settings without the variables that another app's operator may have set."""

    @property
    def broker_url(self) -> Any:  # noqa: ANN401 - as Celery has it
        """Return the setting, not `CELERY_BROKER_URL`."""
        return self.get("broker_url")

    @property
    def broker_read_url(self) -> Any:  # noqa: ANN401
        """Return the setting, not `CELERY_BROKER_READ_URL`."""
        return self.get("broker_read_url")

    @property
    def broker_write_url(self) -> Any:  # noqa: ANN401
        """Return the setting, not `CELERY_BROKER_WRITE_URL`."""
        return self.get("broker_write_url")

    @property
    def result_backend(self) -> Any:  # noqa: ANN401
        """Return the setting, not `CELERY_RESULT_BACKEND`."""
        return self.get("result_backend")


class OwnLoader(AppLoader):  # type: ignore[misc]
    """Imports the installed task modules, not those of the directory that we are started in."""

    def import_from_cwd(self, module: str, imp: object = None, package: str | None = None) -> Any:  # noqa: ANN401
        """Import a module from where Python finds it."""
        del imp
        return import_module(module, package)


class OwnCelery(Celery):  # type: ignore[misc]
    """A Celery app that no variable and no module of another one changes."""

    def __init__(
        self,
        name: str,
        configuration: Any,  # noqa: ANN401 - a mapping, or a proxy of one that is read late
        *,
        include: Sequence[str] = (),
        set_as_current: bool = True,
    ) -> None:
        super().__init__(
            name,
            amqp=MaskedAMQP,
            include=include,
            set_as_current=set_as_current,
            # Given at once: an app without a source takes CELERY_CONFIG_MODULE for it.
            config_source=configuration,
            # Or CELERY_LOADER would say.
            loader=OwnLoader,
            # Or a DJANGO_SETTINGS_MODULE would have the app changed for that project.
            fixups=[],
        )
        # Celery has made this object, and offers no place to say of which class. It stays the same
        # one when the configuration is read; set plainly, the class would become a setting.
        object.__setattr__(self._conf, "__class__", OwnSettings)

    def finalize(self, auto: bool = False) -> None:  # noqa: FBT001, FBT002 - Celery's signature
        """Finish the app, without the tasks that Celery brings along.

        `celery.map` would run any task of ours for a sender, and `celery.chord` ends in an error
        that its sender never sees. Unregistered, they are refused like every unknown task.
        """
        super().finalize(auto)
        for name in [name for name in self._tasks if name.startswith(_CELERYS_OWN)]:
            del self._tasks[name]
