"""Workers as jobs of SLURM, asked for with nothing but the rights of a user.

Only ``sbatch``, ``squeue``, ``sacct`` and ``scancel`` are called. A *batch* is what one ``sbatch``
asks for: an array of jobs, each a worker. Jobs of an installation have its name, and the comment
of each batch is in its record before SLURM hears of it: what has both is its own, and nothing else
is ever cancelled.
"""
