"""The product's settings, with what only its tests need."""

import os

from backoffice.settings import *  # noqa: F403
from backoffice.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests"]  # for its command `flush`
if _template := os.environ.get("BACKOFFICE_TEST_TEMPLATE"):
    DATABASES["default"]["TEST"] = {"TEMPLATE": _template}
SCRIPT_SANDBOX = "off"  # the tests of scripts say it where they need it; CI may have no bubblewrap
# A real one is slow on purpose. The tests in a browser and of whole processes have it.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
