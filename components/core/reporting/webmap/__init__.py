"""A map on a page: imagery, outlines and their rows, in one file that needs no network."""
