"""How many consumers and model servers there should be, and making it so.

A *policy* says how many of each *pool* are wanted, from one *snapshot* of the queue and the workers
and nothing else. A *driver* starts and stops *workers*: processes here, jobs of SLURM. The
*autoscaler* has the one decide and the other act, over and over.
"""
