"""What values mean: spellings of fields, numbers, dates and phones, and the transforms."""
