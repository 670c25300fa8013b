"""SNS's notifications, posted by an HTTP subscription."""
