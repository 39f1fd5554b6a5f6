"""The demo: a pull request is refused, fixed and let through."""
