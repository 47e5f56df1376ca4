"""A shard of new imagery, from images to buildings, in one step."""
