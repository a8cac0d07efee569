"""Keeps events of people: their memory, the rows that follow, refused rows, the clicks of colleagues."""
