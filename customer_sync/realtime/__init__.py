"""Events as they happen: received or followed, kept safely, and written to Brevo within seconds."""
