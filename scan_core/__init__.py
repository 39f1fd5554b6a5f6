"""Scangate: a security gate for Azure DevOps that needs nothing in anyone's pipeline."""
