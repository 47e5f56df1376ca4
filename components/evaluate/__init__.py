"""Predictions against truth: pixels, objects and boundaries, per town and overall."""
