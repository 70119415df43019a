"""Keep the contacts of a Brevo account identical to a shop's customers."""

__version__ = "0.1.0"
