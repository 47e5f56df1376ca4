"""The generated parts of the documentation: tables made from signatures, schemas and docstrings."""
