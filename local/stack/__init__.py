"""The whole of Scangate on one machine: storage, Azure DevOps and the app, each a process that can be killed alone."""
