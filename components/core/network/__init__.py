"""The segmentation network, its losses and its artifact: the only part of core that needs torch."""
