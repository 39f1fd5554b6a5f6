"""A stand-in for Azure Resource Manager: Container Apps jobs whose executions are processes of this machine.

It also gives managed identities their tokens, as the endpoint in ``IDENTITY_ENDPOINT`` does. Azure's own libraries talk
to it.
"""
