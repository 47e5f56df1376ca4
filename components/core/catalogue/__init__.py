"""Static STAC catalogues as lists of images: Items, ItemCollections, Catalogs and Collections on disk or in S3.

The documents are read as they are: of a catalogue of others only links, assets, times and grids matter here, and each
document is reduced to these, so that it can be kept and need not be asked for again. pystac, which writes this
project's own catalogue, would hold all of each document, and knows nothing of this project's places.
"""
