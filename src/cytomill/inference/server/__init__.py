"""The model server: models in memory, asked over the Open Inference Protocol v2.

A *worker* is a process that holds one model; the *repository* knows the models there are and keeps
those in use within a budget of memory; the *scheduler* of a model orders its requests. The front
ends, gRPC and REST, translate between the protocol and `cytomill.inference.server.request`.
"""
