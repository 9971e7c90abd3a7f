pytest_plugins = ["tests.people", "tests.pages"]
