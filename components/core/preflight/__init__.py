"""What a run is given, checked before any of it costs anything: places, documents, and whether they fit each other.

Each check notes the faults that it finds and goes on, so that all are reported at once; a check that needs what
another one found to be broken is skipped. No pixel is read and no imagery moved, and none of this needs PyTorch.
"""
