"""A verdict made visible: status texts, signed links and pages."""
