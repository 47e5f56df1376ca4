"""What was detected in new imagery, as a collection that grows."""
