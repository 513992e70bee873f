"""The gate suite, shipped in the wheel as ``mlflow_genie_plugin.suite`` (an editable install needs this file)."""
