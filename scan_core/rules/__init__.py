"""What blocks a gate: the rules file, and the verdict it leads to. Pure."""
