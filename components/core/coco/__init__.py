"""Annotations as COCO has them: polygons and run lengths in pixels of images, in and out.

Source: Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; https://cocodataset.org/#format-data and the
masks of https://github.com/cocodataset/cocoapi.
"""
