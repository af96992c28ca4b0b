"""Claims: measured, tested within their families, look by look, and given a verdict."""
