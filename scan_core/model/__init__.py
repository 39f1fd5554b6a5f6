"""The words of the house as typed values. No I/O; imports nothing else of ours."""
