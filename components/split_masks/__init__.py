"""Split masks: one predicted mask becomes one object a building."""
