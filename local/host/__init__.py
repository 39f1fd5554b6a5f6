"""A local host for Azure Functions: runs a Python v2 app on the worker engine that Azure runs, with no Core Tools.

It serves HTTP, queue and timer triggers with the semantics that Azure documents, as one process that may be killed and
of which several may share one storage account. It does not imitate key management, extension bundles or scaling.
"""
