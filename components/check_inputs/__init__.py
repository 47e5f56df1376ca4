"""Everything that a training run is given, checked together before any of it costs anything."""
