"""Plan shards: how many parts the inference is spread over."""
