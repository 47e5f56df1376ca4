"""HTML reports: self-contained pages, and what several stages draw on them."""
