from typing import Annotated

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tasks.parameters import DoesNotFit, File, Param, display, freeze, read, thaw
from tasks.parameters.fields.files import harmless
from tests.tasks.parameters.asking import complaint, form, page, taking

ROWS = Annotated[File, Param(accept=(".csv", ".txt"), max_size=10)]


def upload(name, content, content_type="text/csv"):
    files = {"value": SimpleUploadedFile(name, content, content_type)}
    return form(taking(value=ROWS), page(), files=files)


def test_an_upload_becomes_a_file_with_its_fingerprint():
    filled = upload("rows.CSV", b"a,b")
    assert filled.is_valid(), filled.errors
    assert filled.cleaned_data["value"] == File.of("rows.CSV", b"a,b", "text/csv")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.html", b"<b>", "Choose a file that ends in .csv or .txt."),
        ("rows.csv.svg", b"<b>", "Choose a file that ends in .csv or .txt."),
        ("csv", b"a", "Choose a file that ends in .csv or .txt."),
        ("rows.csv", b"x" * 11, "The file has 11\xa0bytes. At most 10\xa0bytes are allowed."),
        ("rows.csv", b"", "The file is empty. Choose another."),
    ],
)
def test_a_file_that_is_not_wanted_is_refused(name, content, message):
    assert upload(name, content).errors["value"] == [message]


def test_the_browser_is_not_believed_about_the_type():
    filled = upload("rows.csv", b"a", content_type="text/html")
    assert filled.is_valid()
    assert filled.cleaned_data["value"].content_type == "text/csv"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\x\\rows.csv", "rows.csv"),
        ("a\u202evsc.exe.csv", "avsc.exe.csv"),
        ("a\r\nb.csv", "ab.csv"),
        ("..", "file"),
        ("", "file"),
        ("x" * 300 + ".csv", "x" * 96 + ".csv"),
        ("Müller.csv", "Müller.csv"),
    ],
)
def test_names_are_made_harmless(name, kept):
    assert harmless(name) == kept


def test_json_holds_the_fingerprint_and_not_the_content():
    parameters = read(taking(value=ROWS))
    kept: list[File] = []
    file = File.of("rows.csv", b"a,b", "text/csv")
    frozen = freeze(parameters, {"value": file}, store_file=kept.append)
    assert kept == [file]
    assert frozen == {
        "value": {"content_type": "text/csv", "name": "rows.csv", "sha256": file.sha256, "size": 3}
    }
    assert display(parameters, frozen) == [("Value", "rows.csv (3\xa0bytes)")]


def test_a_file_with_other_content_than_before_does_not_fit():
    parameters = read(taking(value=ROWS))
    frozen = freeze(parameters, {"value": File.of("a.csv", b"a")}, store_file=lambda _: None)
    with pytest.raises(DoesNotFit, match="not the one that was handed in"):
        thaw(parameters, frozen, files=lambda _: b"other")


def test_a_file_needs_a_place():
    with pytest.raises(DoesNotFit, match="no place to keep it"):
        freeze(read(taking(value=ROWS)), {"value": File.of("a.csv", b"a")})


def test_a_page_that_asks_for_a_file_sends_it_as_one():
    asked = form(taking(value=ROWS))
    assert asked.is_multipart()
    assert 'accept=".csv,.txt"' in str(asked)


def test_a_file_that_is_a_little_too_large_does_not_read_like_the_most_that_is_allowed():
    hint = Annotated[File, Param(accept=(".csv",))]
    said = complaint(hint, File.of("rows.csv", b"x" * (5 * 1024 * 1024 + 42)))
    assert said == "The file has 42 bytes too many. At most 5.0\xa0MB are allowed."
