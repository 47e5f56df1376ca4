"""The segmentation network, its losses and its artifact: what core needs torch for.

What describes a network, `classes`, `description` and `encoders`, needs none, for stages that run without.
"""
