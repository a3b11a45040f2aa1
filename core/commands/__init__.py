"""The commands of the back end. Only these modules, `__main__` and `bridge/commands/` import typer or rich."""
