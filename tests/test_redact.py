import base64
import copy
import html
import io
import json
import logging
import pickle
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from freshsales_source.redact import (
    PACKAGE_LOGGER,
    RedactingFormatter,
    Redactor,
    Secret,
    installed_redactor,
    redact,
)

KEY = "k3y-With_Parts'and\"quotes/+&"

WRAPPINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "repr": repr,
    "repr of repr": lambda text: repr(repr(text)),
    "bytes": lambda text: repr(text.encode()),
    "json": json.dumps,
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "url": lambda text: quote(text, safe=""),
    "url path": quote,
    "form": quote_plus,
    "html": html.escape,
    "upper": str.upper,
    "hex": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "url base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 after a user": lambda text: base64.b64encode(b"u:" + text.encode()).decode(),
    "base64 before a tail": lambda text: base64.b64encode(text.encode() + b":x").decode(),
}

visible = st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="*")
keys = st.text(visible, min_size=8, max_size=40)


@given(
    key=keys, before=st.text(max_size=8), after=st.text(max_size=8), wrap=st.sampled_from(sorted(WRAPPINGS))
)
@example(key=KEY, before="", after="", wrap="repr")
def test_a_registered_secret_survives_in_no_wrapping(key: str, before: str, after: str, wrap: str) -> None:
    redactor = Redactor()
    redactor.register(Secret(key))
    wrapped = WRAPPINGS[wrap](key)
    cleaned = redactor.redact(before + wrapped + after)
    assert key.lower() not in cleaned.lower()
    assert wrapped not in cleaned


@given(key=keys, padding=st.binary(max_size=6), tail=st.binary(max_size=6))
def test_no_third_of_a_secret_can_be_read_back_out_of_base64(key: str, padding: bytes, tail: bytes) -> None:
    redactor = Redactor()
    redactor.register(key)
    encoded = base64.b64encode(padding + key.encode() + tail).decode()
    assert "***" in redactor.redact(f"Basic {encoded}")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Token token=LEAK-me_1234",
        "{'authorization': 'Token token=LEAK-me_1234'}",
        "(b'Authorization', b'Token token=LEAK-me_1234')",
        "Authorization: Authtoken=LEAK-me_1234",
        "Proxy-Authorization: Basic LEAK-me_1234",
        'authorization: "Bearer LEAK-me_1234"',
        '{"convo_token":"LEAK-me_1234","x":1}',
        "{'auth_token': 'LEAK-me_1234'}",
        '\\"encoded_jwt_token\\": \\"LEAK-me_1234\\"',
        "auth_token=LEAK-me_1234&page=2",
        "see eyJhbGciOi.LEAK-me_1234.LEAK-me_1234 there",
        "https://user:LEAK-me_1234@proxy:8080/",
    ],
)
def test_what_looks_like_a_token_is_hidden_though_nobody_registered_it(text: str) -> None:
    assert "LEAK" not in Redactor().redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "GET /crm/sales/api/contacts/view/42?page=7, request id 8f-1",
        "tokens are dropped; contacts has 3 pages",
        "open https://acme.myfreshworks.com/crm/sales",
        "retry cause=502 failures=1 of=5 wait_s=0.3 at=GET /x",
    ],
)
def test_ordinary_lines_stay_as_they_are(text: str) -> None:
    assert Redactor().redact(text) == text


def test_an_empty_secret_hides_nothing() -> None:
    redactor = Redactor()
    redactor.register("")
    redactor.register("  ")
    assert redactor.redact("a b") == "a b"


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret(KEY)
    assert f"{secret} {secret!r} {[secret]}" == "*** *** [***]"
    assert secret.reveal() == KEY
    assert copy.deepcopy(secret) == secret
    assert len({secret, Secret(KEY)}) == 1
    assert secret != Secret("other")
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(secret)


class Wrapped(Exception):
    def __init__(self, inner: Exception, note: str) -> None:
        super().__init__("outer " + note)
        self.inner = inner
        self.note = note


def chain(key: str) -> Wrapped:
    context = KeyError({"key": key})
    context.__context__ = ValueError("first " + key)
    error = Wrapped(OSError(2, "no " + key, "/tmp/" + key), key)
    error.__cause__ = context
    error.add_note("note " + key)
    return error


def test_scrubbing_reaches_causes_contexts_notes_and_attributes() -> None:
    redactor = Redactor()
    redactor.register(KEY)
    error = chain(KEY)
    assert KEY not in redactor.traceback(error)
    redactor.scrub(error)
    everything = [error, error.__cause__, error.__cause__ and error.__cause__.__context__, error.inner]
    for one in everything:
        assert one is not None
        assert KEY not in f"{one!s} {one!r} {one.args} {vars(one)}"


def test_scrubbing_ends_on_circles_and_reaches_into_groups() -> None:
    redactor = Redactor()
    redactor.register(KEY)
    inner = ValueError(KEY)
    group = ExceptionGroup("several " + KEY, [inner])
    inner.__context__ = group
    redactor.scrub(group)
    assert str(inner) == "***"


def test_a_child_logger_is_cleaned_before_the_root_prints() -> None:
    installed_redactor().register(Secret("s3cret-in-the-log"))
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s %(extra)s"))
    logging.getLogger().addHandler(handler)
    try:
        try:
            raise ValueError("s3cret-in-the-log")
        except ValueError:
            log = logging.getLogger(f"{PACKAGE_LOGGER}.client")
            log.exception("key=%s", "s3cret-in-the-log", extra={"extra": ["s3cret-in-the-log"]})
    finally:
        logging.getLogger().removeHandler(handler)
    printed = stream.getvalue()
    assert "s3cret" not in printed
    assert "ValueError: ***" in printed


def test_the_formatter_cleans_what_other_libraries_log() -> None:
    installed_redactor().register(Secret("s3cret-elsewhere"))
    record = logging.LogRecord("httpcore", 20, "", 0, "sent %s", ("s3cret-elsewhere",), None)
    assert RedactingFormatter().format(record) == "sent ***"


def test_there_is_one_redactor_in_the_process() -> None:
    assert installed_redactor() is installed_redactor()
    handlers = logging.getLogger(PACKAGE_LOGGER).handlers
    assert sum(type(handler).__name__ == "RedactingHandler" for handler in handlers) == 1
    assert redact("nothing to hide") == "nothing to hide"
