"""Champion and challenger: a new model takes the place of the one in use where it is better."""
