"""Test-session plugins for this repository; nothing the gates need stands here (the installed plugin brings it all)."""

pytest_plugins = ["pytester"]
