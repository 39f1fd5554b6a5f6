"""Container images, pulled from a registry without a container engine and read without unpacking them anywhere."""
