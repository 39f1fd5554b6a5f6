"""A container registry on this machine: the distribution API with tokens as Azure Container Registry gives them.

What it speaks is fixed by the OCI Distribution Specification 1.1, the OCI Image Specification 1.1 and Docker's image
manifest version 2, schema 2; how it lets people in by "Azure Container Registry integration with Microsoft Entra".
"""
