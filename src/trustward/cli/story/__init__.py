"""The closed loop, told once over a running service: from a campaign to the receipt of the police."""
