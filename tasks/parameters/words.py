"""Names of code turned into words."""


def words(name: str) -> str:
    """`external_ref` as "External ref"."""
    text = name.replace("_", " ").strip() or name
    return text[:1].upper() + text[1:]
