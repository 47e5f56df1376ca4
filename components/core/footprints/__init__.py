"""Objects of pixels as polygons on a map."""
