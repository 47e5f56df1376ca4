"""The stage that trains UNetV2 on a project."""
