"""Broken and odd input, made by mutation: whatever it is, the answer is a result or a clear error."""
