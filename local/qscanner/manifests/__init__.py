"""The dependency files that are understood, one ecosystem a module."""
