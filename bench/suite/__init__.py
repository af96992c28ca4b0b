"""A suite's file: read, patched with its profile, checked, and expanded into cells."""
