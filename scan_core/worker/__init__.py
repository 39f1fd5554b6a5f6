"""What runs inside the container: claims one attempt, does it in two steps (fetch, scan), ends. Linux only."""
