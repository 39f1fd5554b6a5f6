"""A stand-in for QScanner: the same command line, exit codes and files, with a small advisory list of its own.

It lets the gate be tried and tested without a Qualys licence, and says in its version, its log and its report that it
is a stand-in. Standard library only and started once for each scan, so imports that cost time are made where needed.
"""
