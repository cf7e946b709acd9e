"""How good tracks are, by the measures of the Cell Tracking Challenge and others."""
