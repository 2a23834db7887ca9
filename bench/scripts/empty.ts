// Nothing: what starting and ending a program costs.
