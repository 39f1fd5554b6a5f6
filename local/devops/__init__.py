"""An Azure DevOps organisation on one machine: projects, real git, pull requests, policies and service hooks.

The same program serves the tests and the demo. It answers as the real service does, down to its error bodies, and
knows nothing of Scangate.
"""
