"""Collect predictions: one project of the parts that were inferred apart."""
