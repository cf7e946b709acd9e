"""The HTTP API of a kiosk, below ``/api/v1``.

Handlers that ask the queue or the bucket are plain functions, run in threads; uploads and event
streams are not. The API keeps nothing but open connections: any number of them may run at once.
"""
