"""The pictures people look at: self-contained HTML pages, and the same as PNG."""
