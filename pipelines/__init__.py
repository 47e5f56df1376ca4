"""The pipelines that wire the stages together, and the command line that compiles and runs them."""
