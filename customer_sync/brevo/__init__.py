"""Brevo's contacts API: what goes over the wire, how fast, and what comes back."""
