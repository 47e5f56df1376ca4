"""Vector files of others, as polygons on a scene's pixels: any format, any CRS, read by extent."""
