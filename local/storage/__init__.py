"""Azure Storage on this machine: Azurite, with an account of its own and ports that stay."""
