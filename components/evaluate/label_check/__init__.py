"""Whose labels are wrong: where a confident network and labels disagree, to be corrected and used again."""
