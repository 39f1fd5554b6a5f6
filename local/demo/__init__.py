"""The demo: a pull request, then an image, is refused, fixed and let through."""
