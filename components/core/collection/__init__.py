"""A collection: imagery below one prefix, what was found in it, and the ledger of what was detected how."""
