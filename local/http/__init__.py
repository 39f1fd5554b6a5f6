"""What every stand-in that is an HTTP service needs: a server on this machine, and what goes wrong on purpose."""
