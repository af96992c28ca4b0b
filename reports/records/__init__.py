"""What was planned and what was recorded, put together: a record a trial, and the values of arms."""
