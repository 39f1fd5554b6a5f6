"""The scanner's own language: command line, exit codes, output files, SARIF, inventory, scrubbing."""
