"""Synthetic INRIA-shaped aerial scenes: imagery, geo-referencing and building masks."""
