"""What has to change at Brevo: desired, observed and confirmed meet, and consent decides."""
