"""From data to text, the same for every format: rounding, notes, captions, legends. Writers only escape and arrange it."""
