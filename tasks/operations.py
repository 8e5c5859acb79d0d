"""The on-call doors; `retry` is also the marketplace's way to resubmit."""

from config.queues import Task
from tasks.door import intake
from worker.intake import actions

intake(Task.RETRY, actions.retry)
intake(Task.RESUME, actions.resume)
intake(Task.RESOLVE, actions.resolve)
intake(Task.CANCEL, actions.cancel)
