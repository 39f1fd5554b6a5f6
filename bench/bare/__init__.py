"""The function app that the webhook is compared with."""
