"""The queries and configs that steer a run: the tutorial's, what a config may say, and which classes follow from it."""
