"""A kiosk whose workers are jobs of SLURM.

Its queue, API and autoscaler are processes of a login node, or of a job of their own; consumers and
model servers come and go as jobs, and find all they need in the kiosk's folder.
"""
