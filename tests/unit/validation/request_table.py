"""Valid requests, and invalid ones with the path and rule of their issue."""

from __future__ import annotations

import json

from .samples import BODY, CLIPS, MISSING, asset, body, get, header, post

LIST = CLIPS
READ = CLIPS + "/clip-1"

VALID = {
    "only required fields": post(),
    "every field": body(
        ratio="16:9", seed=4294967295, strength=1.5, weight=-2.25, due="2026-01-02T03:04:05Z",
        tags=["a", "b"], moderation={"threshold": "low"}, note=None,
    ),
    "an integer written as 59.0": post(content=json.dumps({**BODY, "seed": 59.0}).encode()),
    "the other branch": asset(type="image", position="first"),
    "a data URI": asset(uri="data:image/png;base64,AAAA"),
    "moderation as text": body(moderation="auto"),
    "charset utf-8": header("Content-Type", "application/json; charset=UTF-8"),
    "header names in another case": header("x-version", "2024-11-06"),
    "bearer in lower case": header("authorization", "bearer sk-secret"),
    "an unknown header": header("X-Trace", "1"),
    "correct length": header("Content-Length", str(len(json.dumps(BODY)))),
    "no host": post(url="/v1/clips"),
    "explicit default port": post(url="https://API.example.com:443/v1/clips"),
    "no query": get(LIST),
    "every query parameter": get(LIST + "?limit=100&state=new&state=done&deep=true&cursor="),
    "joined list": get(LIST + "?sort=1,2"),
    "an id": get(READ),
    "an encoded id": get(CLIPS + "/a%20b%C3%A9"),
    "an id with dots": get(CLIPS + "/..a"),
    "no key needed": get(CLIPS + "/latest", headers=()),
    "the expected operation": get(READ, operation_id="read_clip"),
    "non-ASCII text": body(note="caf\u00e9 \U0001f600"),
}  # fmt: skip

INVALID = {
    # Server and path
    "another host": (post(url="https://evil.example/v1/clips"), "server", "server"),
    "no TLS": (post(url="http://api.example.com/v1/clips"), "server", "server"),
    "another port": (post(url="https://api.example.com:8443/v1/clips"), "server", "server"),
    "a user in the address": (
        post(url="https://me:pw@api.example.com/v1/clips"), "server", "userinfo"
    ),
    "a fragment": (get(READ + "#x"), "path", "wire"),
    "a unencoded space": (get(CLIPS + "/a b"), "path", "wire"),
    "a unencoded line break": (get(CLIPS + "/a\nb"), "path", "wire"),
    "unencoded non-ASCII": (get(CLIPS + "/\u00e9"), "path", "wire"),
    "another method": (post(method="PUT"), "method", "method"),
    "method in lower case": (post(method="post"), "method", "method"),
    "another path": (post(url=CLIPS + "s"), "path", "path"),
    "a trailing slash after a fixed path": (get(CLIPS + "/"), "id", "empty"),
    "a doubled slash": (get("https://api.example.com//v1/clips"), "path", "path"),
    "path in capitals": (get("/v1/Clips"), "path", "path"),
    "an id of two dots": (get(CLIPS + "/.."), "id", "dot-segment"),
    "an id of two encoded dots": (get(CLIPS + "/%2E%2e"), "id", "dot-segment"),
    "an id of one dot": (get(CLIPS + "/."), "id", "dot-segment"),
    "dots before the path": (get("/v1/x/../clips"), "path", "dot-segment"),
    "a dot before the path": (get("/v1/./clips"), "path", "dot-segment"),
    "an encoded slash": (get(CLIPS + "/a%2Fb"), "id", "encoded-slash"),
    "an encoded backslash": (get(CLIPS + "/a%5cb"), "id", "encoded-slash"),
    "an id too long": (get(CLIPS + "/" + "x" * 41), "id", "maxLength"),
    "an id that reaches another operation": (
        get(CLIPS + "/latest", operation_id="read_clip"), "path", "operation"
    ),
    # Query
    "unknown query": (get(LIST + "?limits=1"), "limits", "unknown"),
    "query of an operation without one": (get(READ + "?a=1"), "a", "unknown"),
    "query below minimum": (get(LIST + "?limit=0"), "limit", "minimum"),
    "query of another type": (get(LIST + "?limit=ten"), "limit", "type"),
    "query empty": (get(LIST + "?limit="), "limit", "type"),
    "Python's True": (get(LIST + "?deep=True"), "deep", "type"),
    "query repeated": (get(LIST + "?limit=1&limit=2"), "limit", "repeated"),
    "query item not in list": (get(LIST + "?state=new&state=old"), "state", "enum"),
    "joined list with a word": (get(LIST + "?sort=1,x"), "sort", "type"),
    "a broken escape": (get(LIST + "?cursor=%zz"), "cursor", "wire"),
    "a broken escape in the second": (get(LIST + "?limit=1&cursor=%zz"), "cursor", "wire"),
    # Headers
    "no version": (header("X-Version"), "X-Version", "required"),
    "version malformed": (header("X-Version", "latest"), "X-Version", "pattern"),
    "version twice": (header("X-Version", "2024-11-06", "2024-11-07"), "X-Version", "repeated"),
    "header injection": (header("X-Note", "a\r\nEvil: 1"), "X-Note", "wire"),
    "header with NUL": (header("X-Note", "a\0"), "X-Note", "wire"),
    "header with leading space": (header("X-Note", " a"), "X-Note", "wire"),
    "header with trailing tab": (header("X-Note", "a\t"), "X-Note", "wire"),
    "header not ASCII": (header("X-Note", "caf\u00e9"), "X-Note", "wire"),
    "header name with colon": (header("X:Note", "a"), "X:Note", "wire"),
    "header name empty": (header("", "a"), "", "wire"),
    # Credentials
    "no key": (header("Authorization"), "Authorization", "security"),
    "bearer without a key": (header("Authorization", "Bearer"), "Authorization", "security"),
    "another scheme": (header("Authorization", "Basic c2s="), "Authorization", "security"),
    "no scheme": (header("Authorization", "sk-secret"), "Authorization", "security"),
    "two keys in one": (header("Authorization", "Bearer a b"), "Authorization", "security"),
    # Encoding of the body
    "no content type": (header("Content-Type"), "Content-Type", "content-type"),
    "another content type": (header("Content-Type", "text/json"), "Content-Type", "content-type"),
    "another charset": (
        header("Content-Type", "application/json; charset=latin-1"), "Content-Type", "content-type"
    ),
    "compressed": (header("Content-Encoding", "gzip"), "Content-Encoding", "framing"),
    "wrong length": (header("Content-Length", "1"), "Content-Length", "framing"),
    "no body": (post(content=b""), "", "required"),
    "body on GET": (get(READ, content=b"{}"), "", "body-not-allowed"),
    "not JSON": (post(content=b"{'a': 1}"), "", "json"),
    "two documents": (post(content=b"{} {}"), "", "json"),
    "byte order mark": (post(content=b"\xef\xbb\xbf{}"), "", "json"),
    "UTF-16": (post(content=json.dumps(BODY).encode("utf-16")), "", "utf-8"),
    "nested too deeply": (post(content=b"[" * 100_000), "", "json"),
    "duplicate key": (
        post(content=b'{"asset": {"type": "video", "type": "image"}}'), "/asset/type",
        "duplicate-key",
    ),
    "duplicate key in a list": (
        post(content=b'{"tags": [{"a": 1}, {"a": 1, "a": 1}]}'), "/tags/1/a", "duplicate-key"
    ),
    "duplicate key and no end": (post(content=b'[{"a": 1, "a": 1}'), "", "json"),
    "duplicate key and nested too deeply": (
        post(content=b'[{"a": 1, "a": 1}, ' + b"[" * 100_000), "", "json"
    ),
    "a number too long to read": (post(content=b'{"seed": ' + b"9" * 5000 + b"}"), "", "json"),
    "duplicate key and a number too long to read": (
        post(content=b'[{"a": 1, "a": 1}, ' + b"9" * 5000 + b"]"), "", "json"
    ),
    "NaN": (post(content=b'{"weight": NaN}'), "/weight", "finite"),
    "a number too big for a float": (post(content=b'{"weight": 1e999}'), "/weight", "finite"),
    "half a surrogate pair": (post(content=b'{"note": "\\ud800"}'), "/note", "unicode"),
    # Content of the body
    "a list": (post(content=b"[]"), "", "type"),
    "null": (post(content=b"null"), "", "type"),
    "asset missing": (body(asset=MISSING), "/asset", "required"),
    "asset without uri": (asset(uri=MISSING), "/asset/uri", "required"),
    "asset null": (body(asset=None), "/asset", "type"),
    "asset of unknown type": (asset(type="gif"), "/asset/type", "enum"),
    "asset over http": (asset(uri="http://cdn.example/a.mp4"), "/asset/uri", "pattern"),
    "the likely branch": (asset(seconds=0), "/asset/seconds", "minimum"),
    "the other likely branch": (asset(type="image", position="mid"), "/asset/position", "enum"),
    "model not listed": (body(model="best"), "/model", "enum"),
    "model by number": (body(model=1), "/model", "type"),
    "ratio": (body(ratio="16x9"), "/ratio", "pattern"),
    "seed below": (body(seed=-1), "/seed", "minimum"),
    "seed above": (body(seed=4294967296), "/seed", "maximum"),
    "seed as text": (body(seed="1"), "/seed", "type"),
    "seed as boolean": (body(seed=True), "/seed", "type"),
    "seed with a fraction": (body(seed=1.5), "/seed", "type"),
    "strength at its open end": (body(strength=0), "/strength", "exclusiveMinimum"),
    "strength off the grid": (body(strength=0.7), "/strength", "multipleOf"),
    "not a date": (body(due="tomorrow"), "/due", "format"),
    "three tags": (body(tags=["a", "b", "c"]), "/tags", "maxItems"),
    "a tag twice": (body(tags=["a", "a"]), "/tags", "uniqueItems"),
    "an empty tag": (body(tags=["a", ""]), "/tags/1", "minLength"),
    "moderation of neither form": (body(moderation=3), "/moderation", "type"),
    "moderation without its field": (body(moderation={}), "/moderation/threshold", "required"),
    "moderation text not listed": (body(moderation="never"), "/moderation", "enum"),
    "a note too long": (body(note="x" * 401), "/note", "maxLength"),
    "a field that is not allowed": (body(secret=1), "/secret", "falseSchema"),
    "an unknown field": (body(**{"a/b~": 1}), "/a~1b~0", "additionalProperties"),
}  # fmt: skip
