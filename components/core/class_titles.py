"""Titles of classes that mean something to every stage."""

from __future__ import annotations

NEUTRAL_CLASS = "neutral"
"""Unlabelled pixels: ignored in training and evaluation, unless a training config names another class for that."""
