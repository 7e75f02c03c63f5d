"""Reads questions, one JSON object a line, and answers each: {"id", "<library>": "" or why not}."""

import base64
import json
import sys

import rfc8785
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

SAFE_INTEGER_MAX = 2**53 - 1


def dsse(question):
    key = SSlibKey(question["keyid"], "ed25519", "ed25519", {"public": question["publicKey"]})
    envelope = Envelope.from_dict(json.loads(question["envelope"]))
    envelope.verify([key], 1)
    if envelope.payload != base64.b64decode(question["payload"]):
        raise ValueError("another payload")


def jcs(question):
    value = json.loads(base64.b64decode(question["input"]), parse_int=number)
    if rfc8785.dumps(value) != base64.b64decode(question["output"]):
        raise ValueError("another canonical form")


def number(digits):
    """As ECMAScript reads it: a double."""
    value = int(digits)
    return value if abs(value) <= SAFE_INTEGER_MAX else float(digits)


def why_not(check, question):
    try:
        check(question)
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"


CHECKS = {"dsse": ("securesystemslib", dsse), "jcs": ("rfc8785", jcs)}

for line in sys.stdin:
    question = json.loads(line)
    library, check = CHECKS[question["kind"]]
    print(json.dumps({"id": question["id"], library: why_not(check, question)}))
