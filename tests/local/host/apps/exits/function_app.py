"""A function app that ends the process when it is imported."""

import sys

sys.exit("no configuration")
