"""The lifecycle: the only room that decides order. Every step may be repeated, reordered and killed."""
