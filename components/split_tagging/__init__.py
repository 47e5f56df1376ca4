"""Split tagging: which images are for training and which for testing."""
