"""What shops hand out, understood: from a platform's own records to events in one spelling."""
