"""The command line of every stage, made from its component's signature and its docstrings."""
