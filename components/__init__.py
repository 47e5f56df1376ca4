"""Building footprints from aerial imagery: one folder a pipeline stage, and the core they share."""
