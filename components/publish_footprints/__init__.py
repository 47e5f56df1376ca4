"""Objects of a project as polygons on a map."""
