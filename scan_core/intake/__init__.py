"""What comes in from Azure DevOps: who sent it, what it says, and whether anybody wants it. No I/O of its own."""
