"""What an operation is: its parameters, its form, its documentation."""
