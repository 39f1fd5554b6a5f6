"""Settings: what a deployment decides, from environment variables that begin with ``SCANGATE_``."""
