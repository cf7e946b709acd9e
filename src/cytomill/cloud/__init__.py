"""A cluster from nothing, and its complete removal, on a cloud.

A *plan* is the calls in their order, what they come to and whether there is quota for it. A *step*
looks whether a thing is there and makes it where it is not, so that a run that was cut short is
carried on by the next. *Leftovers* are what a cluster made while it ran, which goes on costing
money when only the cluster is deleted.
"""
