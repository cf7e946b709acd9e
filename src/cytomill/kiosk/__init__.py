"""The kiosk: the HTTP API, the consumers, and everything on one machine.

The API takes uploads and jobs in and gives results out; consumers do the work. They share nothing
but the queue and the bucket, and each may be killed at any moment.
"""
