"""Foreign formats: pure conversion between bytes or rows and events. No file is opened here."""
