"""Processing before and after a network: the operators of BioImage.IO on arrays with named axes.

An *operator* is one step. What it must know of a whole sample it *measures* once; then it is
*applied* to the sample or to any window of it, with the same result. A *chain* is the steps of one
tensor: what a step measures is the sample as the steps before it left it.
"""

from .chain import Chain, Measurements
from .operator import Named

__all__ = ["Chain", "Measurements", "Named"]
