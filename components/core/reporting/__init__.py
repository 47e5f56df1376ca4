"""The pages that people look at: self-contained HTML, and what several stages draw on them."""
