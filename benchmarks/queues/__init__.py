"""The same task behind several queues, each as its own documentation would have it.

All of them keep their tasks in the same Redis and take a task off the queue only after its result
is stored there. ``QUEUE_URL`` is the address of the server. A task takes ``QUEUE_PAUSE`` seconds,
and where ``QUEUE_TOLD`` names a file, that it ended and that its result was stored go there.
"""
