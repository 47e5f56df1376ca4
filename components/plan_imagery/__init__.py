"""Plan imagery: which images are to be detected, and by which shard."""
