"""Drawing: what all kinds of figures share, from fonts to sheets of paper."""
