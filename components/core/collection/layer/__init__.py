"""The footprints of all scenes of a collection as one layer: partitioned GeoParquet, each building once."""
