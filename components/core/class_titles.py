"""Titles of classes that mean something to every stage."""

from __future__ import annotations

NEUTRAL_CLASS = "neutral"
"""Unlabelled pixels: neither learnt nor measured, unless a training config names another class for that."""
