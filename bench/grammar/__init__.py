"""What suites are made of: documents with the line of every value, names and labels, stages, metrics, cells and trials."""
