"""Where an installation's own things lie: in the checkout or, without one, where it is started."""

import pytest

from backoffice.demo import data_folder, launcher
from backoffice.demo.data_folder import ROOT, default_folder
from backoffice.install import Environment, prepare
from backoffice.progress import Refused


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """As if the code lay there, among what pip has installed."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    monkeypatch.setattr(data_folder, "ROOT", packages)
    monkeypatch.chdir(tmp_path)
    return packages


def test_the_data_of_a_checkout_lie_in_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert default_folder() == ROOT / ".data"


def test_the_data_of_an_installed_package_lie_in_the_current_directory(packages, tmp_path):
    assert default_folder() == tmp_path / ".data"


def test_a_package_that_leaves_its_manage_py_there_makes_no_checkout(packages, tmp_path):
    (packages / "manage.py").touch()
    assert default_folder() == tmp_path / ".data"


def test_the_demo_says_that_it_needs_a_checkout(packages, capsys):
    assert launcher.main([]) == 1
    assert "clone the repository" in capsys.readouterr().out
    assert list(packages.iterdir()) == []


def test_no_virtual_environment_is_made_without_a_lock_file(packages):
    with pytest.raises(Refused, match="only a checkout makes its own virtual environment"):
        prepare(Environment(packages / ".venv"), packages / "requirements.lock")
    assert list(packages.iterdir()) == []
