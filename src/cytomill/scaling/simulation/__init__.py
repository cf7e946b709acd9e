"""What policies would do, on a clock of its own: hours of a cluster in seconds.

Policies, `steady`, snapshots and, where one likes, the queue are the real ones. Simulated are
*nodes*, the machines that workers run on, which take time to start and are lost at times, and what
workers do there: a consumer works on an image for a while, then needs a thread of a model server
for another while, and waits for it where all are taken.
"""
