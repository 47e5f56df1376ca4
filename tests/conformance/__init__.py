"""Recorded queries with the results they should have, and what compares our engine with them."""
