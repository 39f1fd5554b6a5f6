"""The files that a scan leaves, one format a module. Each gives a JSON-ready value or text; ``files`` writes them."""
