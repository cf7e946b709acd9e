"""Jobs, their items and tasks: the queue in Redis, the bucket, and who may do what.

A job is a pipeline with its options and inputs. Its inputs are listed as items, numbered from 0. A
task is what a consumer takes from the queue: to list the items, to process one, to process a part
of a large one or merge its parts, or to report on the whole when all have ended. An attempt is one
taking of a task; of several at the same item only one is published.
"""
