"""A shard of new imagery, from images to finished scenes, in one step."""
