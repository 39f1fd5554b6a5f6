"""Connecting projects of Azure DevOps to the gate, and checking that they are. Planning is pure; two files do I/O."""
