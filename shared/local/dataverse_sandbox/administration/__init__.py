"""Publishers, solutions and their components; security roles, application users, registrations of endpoints."""
