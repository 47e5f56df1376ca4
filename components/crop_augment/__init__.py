"""Crop and augment: sliding-window crops, flips, and the split into training and validation."""
