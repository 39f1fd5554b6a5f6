"""What makes Scangate run with no cloud account; not deployed."""
