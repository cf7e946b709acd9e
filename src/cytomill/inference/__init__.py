"""Running a model: one file per runtime.

A *runtime* holds one model in memory and turns arrays into predictions, from any number of threads.
"""
