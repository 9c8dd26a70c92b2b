"""Every message that docs/errors.md lists is one that the sources have, word for word; `...` stands for what varies."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for folder in ("src", "include", "tools", "scripts", "python") for path in sorted((ROOT / folder).rglob("*"))
           if path.suffix in (".cpp", ".hpp", ".py")]


def flat(text):
    """Without the seams of literals that are written in several parts, and without what is printed between them."""
    text = text.replace('\\"', "\x00")
    text = re.sub(r'"\s*\n?\s*f?"', "", text)
    text = re.sub(r'"[^"\n]{0,120}?"', lambda match: match.group(), text)
    return re.sub(r"\s+", " ", text.replace("\x00", '"'))


def listed():
    """The messages of the page: the first cell of each row."""
    return re.findall(r"^\| `(.+?)` \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)


def test_the_messages_are_the_programs():
    everything = "\n".join(flat(path.read_text()) for path in SOURCES)
    messages = listed()
    assert len(messages) > 40
    unknown = [message for message in messages if not all(part.strip() in everything for part in message.split("..."))]
    assert not unknown
