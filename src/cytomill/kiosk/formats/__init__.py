"""Results in the formats that a user chooses, made of what a job stored."""
