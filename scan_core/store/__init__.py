"""Azure Storage: tables for state, blobs for content, queues for work. Every write is conditional."""
