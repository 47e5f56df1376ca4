"""Imagery and masks become a project."""
