"""Container registries through the OCI Distribution API: references become digests, and pull tokens are got."""
