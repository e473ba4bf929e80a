"""Which bodies and patches are refused, and which are served?"""

import gzip

from scim.body import MAX_BYTES, MAX_GROUP_BYTES
from scim.operations import MAX_OPERATIONS
from tests.scim.case import Case, of_group, of_patch, of_post, of_raw

WRITING = [
    of_raw("empty", b""),
    of_raw("null", b"null"),
    of_raw("an array", b'[{"userName":"a"}]'),
    of_raw("a text", b'"a"'),
    of_raw("cut off", b'{"userName":"a'),
    of_raw("two values", b'{"userName":"a"}{"userName":"b"}'),
    of_raw("1000 levels deep", b'{"userName":"a","x":' + b"[" * 1000 + b"]" * 1000 + b"}"),
    of_raw("100,000 levels deep", b'{"x":' * 100_000),
    of_raw("33 levels deep", b'{"userName":"a","x":' + b"[" * 33 + b"]" * 33 + b"}"),
    of_raw("duplicate keys", b'{"userName":"a","userName":"b"}'),
    of_raw("duplicate keys inside", b'{"userName":"a","name":{"givenName":"a","givenName":"b"}}'),
    of_raw("duplicate keys in other case", b'{"userName":"a","USERNAME":"b"}'),
    of_raw("NaN", b'{"userName":"a","x":NaN}'),
    of_raw("Infinity", b'{"userName":"a","x":-Infinity}'),
    of_raw("1e999", b'{"userName":"a","x":1e999}'),
    of_raw("a 5000-digit number", b'{"userName":"a","x":' + b"1" * 5000 + b"}"),
    of_raw("2^63", b'{"userName":"a","x":9223372036854775808}'),
    of_raw("half a surrogate pair", b'{"userName":"\\ud800"}'),
    of_raw("half a surrogate pair in a key", b'{"userName":"a","\\udc00":1}'),
    of_raw("NUL", b'{"userName":"a\\u0000b"}'),
    of_raw("raw NUL", b'{"userName":"a\0b"}'),
    of_raw("UTF-16", '{"userName":"a"}'.encode("utf-16")),
    of_raw("Latin-1", b'{"userName":"\xe9"}'),
    of_raw("overlong UTF-8", b'{"userName":"\xc0\xaf"}'),
    of_raw("a byte order mark", b'\xef\xbb\xbf{"userName":"a"}'),
    of_raw("a comment", b'{"userName":"a"} // yes'),
    of_raw("2 MB", b'{"userName":"a","x":"' + b"x" * 2_000_000 + b'"}', 413, ""),
    of_raw("one byte over the limit", b'{"userName":"a"}'.ljust(MAX_BYTES + 1), 413, ""),
    of_raw("17 MB to groups", b'{"displayName":"a"}'.ljust(MAX_GROUP_BYTES + 1), 413, "", path="/Groups"),
    of_raw("XML", b"<user/>", 415, "", Content_Type="application/xml"),
    of_raw("a form", b"userName=a", 415, "", Content_Type="application/x-www-form-urlencoded"),
    of_raw("another charset", b'{"userName":"a"}', 415, "", Content_Type="application/json; charset=utf-16"),
    of_raw("gzip", gzip.compress(b'{"userName":"a"}'), 415, "", Content_Encoding="gzip"),
    of_post("without userName", {"displayName": "A"}, 400, "invalidValue"),
    of_post("with an empty userName", {"userName": " "}, 400, "invalidValue"),
    of_post("with a null userName", {"userName": None}, 400, "invalidValue"),
    of_post("with a number as userName", {"userName": 5}, 400, "invalidValue"),
    of_post("with a list as userName", {"userName": ["a"]}, 400, "invalidValue"),
    of_post("with a very long userName", {"userName": "x" * 2000}, 400, "invalidValue"),
    of_post("with a userName that folds long", {"userName": "\ufdfa" * 100}, 400, "invalidValue"),
    of_post("with active a number", {"userName": "b", "active": 1}, 400, "invalidValue"),
    of_post("with active a word", {"userName": "b", "active": "yes"}, 400, "invalidValue"),
    of_post("with name a text", {"userName": "b", "name": "Ada"}, 400, "invalidValue"),
    of_post("with emails a number", {"userName": "b", "emails": 7}, 400, "invalidValue"),
    of_post("with an object as title", {"userName": "b", "title": {"a": 1}}, 400, "invalidValue"),
    of_post(
        "with two primary mails",
        {"userName": "b", "emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        400,
        "invalidValue",
    ),
    of_post(
        "with a certificate that isn't base64",
        {"userName": "b", "x509Certificates": [{"value": "\u00e9"}]},
        400,
        "invalidValue",
    ),
    of_post(
        "with an extension as a text",
        {"userName": "b", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": "x"},
        400,
        "invalidValue",
    ),
    of_post("with schemas a text", {"userName": "b", "schemas": "x"}, 400, "invalidSyntax"),
    of_post("without schemas", {"userName": "b"}, 201),
    of_post("with an unknown schema", {"userName": "b", "schemas": ["urn:x:y"], "urn:x:y": {"a": 1}}, 201),
    of_post("with __proto__ and __class__", {"userName": "b", "__proto__": {"a": 1}, "__class__": "x"}, 201),
    of_post("with an id", {"userName": "b", "id": "USER"}, 201),
    of_post("with a taken userName", {"userName": "ADA@x.example"}, 409, "uniqueness"),
    of_post("of a group without displayName", {"members": []}, 400, "invalidValue", "/Groups"),
    of_post(
        "of a group with a number as member",
        {"displayName": "a", "members": [5]},
        400,
        "invalidValue",
        "/Groups",
    ),
    of_post(
        "of a group with a member without value",
        {"displayName": "a", "members": [{"display": "x"}]},
        400,
        "invalidValue",
        "/Groups",
    ),
    of_post(
        "of a group with 200,001 members",
        {"displayName": "a", "members": [str(n) for n in range(200_001)]},
        400,
        "invalidValue",
        "/Groups",
    ),
    Case("patch without operations", "PATCH", "/Users/USER", 400, "invalidSyntax", {"schemas": []}),
    Case("patch with operations an object", "PATCH", "/Users/USER", 400, "invalidSyntax", {"Operations": {}}),
    of_patch("with no operation", [], 400, "invalidSyntax"),
    of_patch("with a text as operation", ["add"], 400, "invalidSyntax"),
    of_patch("unknown op", [{"op": "move", "path": "title", "value": "x"}], 400, "invalidSyntax"),
    of_patch("no op", [{"path": "title", "value": "x"}], 400, "invalidSyntax"),
    of_patch("op a list", [{"op": ["add"], "value": {}}], 400, "invalidSyntax"),
    of_patch("no value", [{"op": "add", "path": "title"}], 400, "invalidValue"),
    of_patch("no path and no object", [{"op": "replace", "value": "x"}], 400, "invalidValue"),
    of_patch("path a number", [{"op": "replace", "path": 5, "value": "x"}], 400, "invalidSyntax"),
    of_patch("remove without path", [{"op": "remove"}], 400, "noTarget"),
    of_patch("remove what is required", [{"op": "remove", "path": "userName"}], 400, "mutability"),
    of_patch(
        "clear what is required", [{"op": "replace", "path": "userName", "value": None}], 400, "mutability"
    ),
    of_patch("read-only", [{"op": "replace", "path": "id", "value": "x"}], 400, "mutability"),
    of_patch(
        "read-only groups",
        [{"op": "add", "path": "groups", "value": [{"value": "GROUP"}]}],
        400,
        "mutability",
    ),
    of_patch(
        "read-only sub-attribute", [{"op": "add", "path": "meta.version", "value": "x"}], 400, "mutability"
    ),
    of_patch(
        "licenses",
        [
            {
                "op": "add",
                "path": "urn:anysoft:params:scim:schemas:extension:license:2.0:User:licenses",
                "value": [{"product": "x"}],
            }
        ],
        400,
        "mutability",
    ),
    of_patch("__class__", [{"op": "replace", "path": "__class__", "value": "x"}], 400, "invalidPath"),
    of_patch(
        "__class__.__init__",
        [{"op": "replace", "path": "__class__.__init__", "value": "x"}],
        400,
        "invalidPath",
    ),
    of_patch("unknown path", [{"op": "replace", "path": "shoeSize", "value": 44}], 400, "invalidPath"),
    of_patch(
        "unknown sub-attribute", [{"op": "replace", "path": "name.shoe", "value": 44}], 400, "invalidPath"
    ),
    of_patch(
        "unknown with brackets",
        [{"op": "add", "path": 'shoes[type eq "a"].size', "value": 4}],
        400,
        "invalidPath",
    ),
    of_patch(
        "path with a comparison",
        [{"op": "replace", "path": 'title eq "x"', "value": "x"}],
        400,
        "invalidPath",
    ),
    of_patch(
        "path that is two",
        [{"op": "replace", "path": "title pr or displayName", "value": "x"}],
        400,
        "invalidPath",
    ),
    of_patch(
        "path with an open bracket",
        [{"op": "add", "path": 'emails[type eq "work"', "value": "x"}],
        400,
        "invalidFilter",
    ),
    of_patch(
        "path with 500 brackets",
        [{"op": "add", "path": "emails" + "[" * 500, "value": "x"}],
        400,
        "invalidFilter",
    ),
    of_patch(
        "path with brackets after brackets",
        [{"op": "add", "path": 'emails[type eq "a"][value eq "b"].value', "value": "x"}],
        400,
        "invalidFilter",
    ),
    of_patch(
        "nothing matches",
        [{"op": "replace", "path": 'emails[type eq "work"].value', "value": "x"}],
        400,
        "noTarget",
    ),
    of_patch(
        "an add that can't say what to make",
        [{"op": "add", "path": 'emails[value co "x"].type', "value": "x"}],
        400,
        "noTarget",
    ),
    of_patch(
        "of the core schema as a whole",
        [{"op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User"}],
        400,
        "invalidPath",
    ),
    of_patch("wrong type", [{"op": "replace", "path": "active", "value": 0}], 400, "invalidValue"),
    of_patch(
        "a failing last operation",
        [{"op": "replace", "path": "title", "value": "x"}, {"op": "move"}],
        400,
        "invalidSyntax",
    ),
    of_patch(
        "too many operations",
        [{"op": "add", "path": "title", "value": "x"}] * (MAX_OPERATIONS + 1),
        400,
        "tooMany",
    ),
    of_group(
        "pick a member by name", [{"op": "remove", "path": 'members[display eq "Ada"]'}], 400, "invalidPath"
    ),
    of_group(
        "pick all but one member", [{"op": "remove", "path": 'members[value ne "x"]'}], 400, "invalidPath"
    ),
    of_group(
        "rewrite a member",
        [{"op": "replace", "path": 'members[value eq "USER"].value', "value": "x"}],
        400,
        "mutability",
    ),
    of_group("members a number", [{"op": "add", "path": "members", "value": 5}], 400, "invalidValue"),
    of_group(
        "an empty id", [{"op": "add", "path": "members", "value": [{"value": ""}]}], 400, "invalidValue"
    ),
]
